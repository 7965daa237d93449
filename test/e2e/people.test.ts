import { approval } from './stories/approval.ts';
import { fromTreeToWrite, twoWindows } from './stories/elevate.ts';
import { refusal } from './stories/refusal.ts';
import { theme } from './stories/themes.ts';
import { tellOn } from './story.ts';

// Last what changes the stage: a frozen balancer, and how everything looks.
tellOn({ name: 'people', people: ['alice', 'ben'] }, [fromTreeToWrite, twoWindows, approval, refusal, theme]);
