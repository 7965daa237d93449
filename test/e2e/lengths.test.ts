import { expiry } from './stories/expiry.ts';
import { extend } from './stories/extend.ts';
import { tellOn } from './story.ts';

tellOn({ name: 'lengths' }, [expiry, extend]);
