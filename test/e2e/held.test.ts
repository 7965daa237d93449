import { expiry } from './stories/expiry.ts';
import { extend } from './stories/extend.ts';
import { part } from './stories/part.ts';
import { signedOut } from './stories/sign-in.ts';
import { centralDown, daemonKilled } from './stories/trouble.ts';
import { tellOn } from './story.ts';

// First somebody who signs in, and last what is trouble: so it takes the least of everybody's time.
tellOn({ name: 'held', signedOut: true }, [signedOut, expiry, extend, part, daemonKilled, centralDown]);
