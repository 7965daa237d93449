import { expiry } from './stories/expiry.ts';
import { extend } from './stories/extend.ts';
import { part } from './stories/part.ts';
import { centralDown, daemonKilled } from './stories/trouble.ts';
import { tellOn } from './story.ts';

// Last what is trouble: so it takes the least of everybody's time.
tellOn({ name: 'held' }, [expiry, extend, part, daemonKilled, centralDown]);
