import { expiry } from './stories/expiry.ts';
import { extend } from './stories/extend.ts';
import { centralDown, daemonKilled } from './stories/trouble.ts';
import { tellOn } from './story.ts';

tellOn({ name: 'ends' }, [expiry, extend, daemonKilled, centralDown]);
