import { noDaemon, signedOut } from './stories/welcome.ts';
import { tellOn } from './story.ts';

tellOn({ name: 'signed-out', signedOut: true }, [signedOut]);
tellOn({ name: 'no-daemon', settings: { 'portcullis.daemon.node': '/nowhere/node' } }, [noDaemon]);
