import { centralDown, daemonKilled } from './stories/trouble.ts';
import { tellOn } from './story.ts';

tellOn({ name: 'trouble' }, [daemonKilled, centralDown]);
