import { PROVIDER_NAMES } from '../tree/nodes.ts';
import { isUnknown, signedInTo, signedOutOf, type View } from '../view.ts';
import { listed } from './people.ts';

/** One line that stands above the tree: who you are, or what is wrong, the worst first. */
export function headline(view: View): string | undefined {
  const { link, state } = view;
  if (link.state === 'lost') return 'Access state unknown: contact with the daemon is lost. Starting it again…';
  if (link.state === 'absent') return `Access state unknown: ${link.problem}.${link.wayOut ? ` ${link.wayOut}` : ''}`;
  if (!state || link.state !== 'connected')
    return isUnknown(view) ? 'Access state unknown: connecting to the daemon…' : 'Connecting to the daemon…';
  if (state.daemon.stopping) return 'The daemon is ending what it holds…';
  const who = whoYouAre(view);
  if (!who && state.signIns.some((one) => one.state === 'signing in'))
    return view.heldBefore ? 'Access state unknown: signing in…' : 'Signing in…';
  const [out] = signedOutOf(view);
  if (out)
    return join(who, `signed out of ${out.to === 'central' ? 'central' : PROVIDER_NAMES[out.to]}${out.problem ? `: ${out.problem}` : ''}`);
  if (view.heldBefore && state.central.state === 'connecting') return join(who, 'access state unknown: asking central what you hold…');
  if (state.heldUnknown) return join(who, `what you held before is not known: ${state.heldUnknown}`);
  if (state.unhealthy) return join(who, `no new access: ${state.unhealthy}`);
  if (state.central.state === 'lost')
    return join(who, `no contact with central${state.central.problem ? `: ${state.central.problem}` : ''}`);
  if (state.inventory.problem) return join(who, state.inventory.problem);
  return who;
}

/** `Alice Novak · Azure CLI`; both when one is somebody else to the cloud than to central. */
function whoYouAre(view: View): string | undefined {
  const lines = signedInTo(view).map(({ person, by }) => [person?.name, by].filter(Boolean).join(' · '));
  const names = new Set(signedInTo(view).map(({ person }) => person?.name));
  return names.size > 1 ? listed(lines) : lines[0] || undefined;
}

const join = (...parts: (string | undefined)[]) => parts.filter(Boolean).join(' · ');
