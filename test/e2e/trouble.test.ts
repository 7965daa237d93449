import { part } from './stories/part.ts';
import { centralDown, daemonKilled } from './stories/trouble.ts';
import { tellOn } from './story.ts';

// First what is no trouble: here it takes the least of everybody's time.
tellOn({ name: 'trouble' }, [part, daemonKilled, centralDown]);
