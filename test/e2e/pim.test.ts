import { pim, pimApproval } from './stories/pim.ts';
import { tellOn } from './story.ts';

tellOn({ name: 'pim', authority: 'pim', people: ['alice', 'ben'] }, [pim, pimApproval]);
