import { type Agent, fetch } from 'undici';

/** A person's browser, as far as a sign-in needs one: follows redirects with cookies and fills in the forms. */
export async function browse(agent: Agent, start: string, personId: string): Promise<{ url: URL; status: number; page: string }> {
  const cookies = new Map<string, string>();
  let url = new URL(start);
  let form: URLSearchParams | undefined;
  for (let step = 0; step < 20; step++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      body: form ?? null,
      headers: { cookie },
      redirect: 'manual',
      dispatcher: agent,
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (name && value) cookies.set(name, value);
      else if (name) cookies.delete(name);
    }
    const page = await response.text();
    const location = response.headers.get('location');
    const action = /action="([^"]+)"/.exec(page)?.[1];
    form = undefined;
    if (location) url = new URL(location, url);
    else if (action) {
      form = new URLSearchParams(page.includes('name="person"') ? { person: personId } : { consent: 'yes' });
      url = new URL(action, url);
    } else return { url, status: response.status, page };
  }
  throw new Error('The sign-in goes round in circles');
}
