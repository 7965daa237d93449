import type { IdentityPerson } from './people.ts';

/** Pages of the test identity provider. Plain forms: a browser and `fetch` alike can go through them. */
export const loginPage = (action: string, people: readonly IdentityPerson[]): string =>
  page(
    'Sign in',
    `<p>This identity provider knows these people. No password is asked for.</p>
${people.map(({ id, name }) => `<form method="post" action="${escaped(action)}"><button name="person" value="${escaped(id)}">${escaped(name)}</button></form>`).join('\n')}`,
  );

export const consentPage = (action: string, name: string): string =>
  page(
    'Allow Portcullis',
    `<p>Portcullis wants to act as ${escaped(name)} towards the central policy service.</p>
<form method="post" action="${escaped(action)}"><button name="consent" value="yes">Allow</button></form>`,
  );

export const errorPage = (message: string): string => page('Sign-in did not work', `<p>${escaped(message)}</p>`);

const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 24rem; margin: 12vh auto; padding: 0 1rem; color: #1b1f24 }
  button { font: inherit; width: 100%; margin: .25rem 0; padding: .6rem; border: 1px solid #8c959f; border-radius: 6px; background: #fff; cursor: pointer }
  button:hover, button:focus { background: #0f2540; color: #fff }
</style>
<h1>${title}</h1>
${body}
</html>
`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
