import './audit.css';
import { systemClock } from '../protocol/clock.ts';
import { AuditPage } from './audit-page.ts';
import { openChannel } from './channel.ts';
import { registerComponents } from './components.ts';
import { createTimes } from './times.ts';

const root = document.getElementById('audit');
if (!root) throw new Error('The page has no element to draw in');
registerComponents();
const clock = systemClock(() => performance.now());
new AuditPage(root, openChannel(clock), clock, createTimes()).start();
