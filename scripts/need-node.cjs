// Loaded before every script, in any Node: an old one would fail on the first .ts file without saying why.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 2)) {
  process.stderr.write(
    `Portcullis is built and tested with Node 24.2 or newer, and this is ${process.version}.\n` +
      '  On Linux (x64, arm64) `npm ci` brings it along: run `npm ci`, then `npm run …` or `npm test`.\n' +
      '  Elsewhere install Node 24 from https://nodejs.org and try again.\n',
  );
  process.exit(1);
}
