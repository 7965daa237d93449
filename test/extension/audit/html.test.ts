import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditHtml, contentSecurityPolicy } from '../../../extension/audit/html.ts';

const files = { cspSource: "'self' https://*.vscode-cdn.net", script: 'https://x/audit.js', style: 'https://x/audit.css', nonce: 'n0nce' };

test('the page may run its own script and use its own style, and nothing else', () => {
  const directives = new Map(
    contentSecurityPolicy(files)
      .split('; ')
      .map((one) => [one.split(' ')[0], one.split(' ').slice(1).join(' ')]),
  );
  assert.deepEqual(Object.fromEntries(directives), {
    'default-src': "'none'",
    'style-src': files.cspSource,
    'font-src': files.cspSource,
    'script-src': "'nonce-n0nce'",
  });
  assert.doesNotMatch(contentSecurityPolicy(files), /unsafe/);
});

test('the document has one script, no inline script, no inline style and no handler', () => {
  const html = auditHtml(files);
  assert.deepEqual(html.match(/<script\b/g)?.length, 1);
  assert.match(html, /<script nonce="n0nce" src="https:\/\/x\/audit.js"><\/script>/);
  assert.doesNotMatch(html, /<style|style=|\son\w+=/);
  assert.match(html, /<html lang="en">/);
});

test('what stands in an attribute stays in it', () => {
  const html = auditHtml({ ...files, script: 'https://x/"><script>alert(1)</script>', style: 'a&b"c' });
  assert.equal(html.match(/<script\b/g)?.length, 1);
  assert.match(html, /href="a&amp;b&quot;c"/);
});
