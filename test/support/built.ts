import path from 'node:path';
import { ROOT } from '../../scripts/root.ts';

// The programs as people run them. Whatever runs tests builds them first; by hand: `npm run build`.
export const PORTCULLIS = path.join(ROOT, 'dist/portcullis.mjs');
export const CENTRAL = path.join(ROOT, 'dist/central.mjs');
