import type { SignIn } from '../../../protocol/state.ts';

const NAMES: Record<SignIn['to'], string> = { azure: 'Azure', aws: 'AWS', gcp: 'Google Cloud', central: 'central' };

export const placeName = (to: SignIn['to']): string => NAMES[to];

/** `Alice Novak by Azure CLI`, or why nobody is signed in. */
export function signInWords({ state, person, by, problem }: SignIn): string {
  if (state !== 'signed in') return problem ?? state;
  return person ? `${person.name}${by ? ` by ${by}` : ''}` : state;
}
