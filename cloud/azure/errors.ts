import { MINUTE, type Millis } from '../../protocol/clock.ts';
import { Fault, type FaultCode } from '../../protocol/fault.ts';
import type { Problem } from '../../protocol/model.ts';
import type { RefusalCode } from '../../protocol/refusal.ts';
import { type AzureError, azureErrorOf, codeOf } from './azure-error.ts';
import type { Elevation } from './elevation.ts';
import { roleInWords } from './role-name.ts';
import { type RoleThere, smallestRole } from './smallest-role.ts';

/** What Azure's answer leaves out and somebody asked it for since. */
export interface Known {
  /** Longest time that the role's policy allows. */
  longest?: Millis | undefined;
  /** What was refused is only not possible yet. */
  passing?: boolean | undefined;
  /** The locks that hold here, in words. */
  locks?: readonly string[] | undefined;
  /** What was asked for: Azure's words on a role that is not set up may name neither it nor the place. */
  elevation?: Pick<Elevation, 'scope' | 'roleGuid'> | undefined;
}

interface Words {
  message: string;
  wayOut?: string | undefined;
  refusal?: RefusalCode | undefined;
}

interface Row {
  /** Codes of Azure that mean this. */
  codes: readonly string[];
  refusal: RefusalCode;
  fault: FaultCode;
  retryable?: boolean | undefined;
  say: (error: AzureError, known: Known) => Words;
}

const words = (message: string, wayOut?: string) => (): Words => ({ message, wayOut });

/** What each of Azure's codes means, and the way out. */
export const ROWS: readonly Row[] = [
  {
    codes: ['RoleAssignmentExists'],
    refusal: 'already-elevated',
    fault: 'cloud-refused',
    say: (_error, { passing }) =>
      passing
        ? {
            message: 'Azure holds this role here already, and lists no elevation that is active.',
            wayOut:
              'If one ended minutes ago, it is still closing: try again in two minutes. Otherwise you have this role without elevation.',
          }
        : {
            message: 'Already elevated: Azure holds this role for this person here.',
            wayOut: 'Use the grant that is active. If one ended minutes ago, Azure is still closing it: try again in up to 5 minutes.',
          },
  },
  {
    codes: ['RoleAssignmentDoesNotExist'],
    refusal: 'too-late',
    fault: 'cloud-refused',
    say: words('Azure finds no such elevation: it has not finished starting, or it is over.', 'Wait until Azure denies access.'),
  },
  {
    codes: ['ActiveDurationTooShort'],
    refusal: 'refused-by-policy',
    fault: 'cloud-refused',
    say: words('Azure does not release an elevation in its first 5 minutes.', 'It is released as soon as Azure allows it.'),
  },
  {
    codes: ['PendingRoleAssignmentRequest'],
    refusal: 'already-elevated',
    fault: 'cloud-refused',
    say: words('A request for this role already waits in Azure.', 'Wait for its approvers, or cancel it first.'),
  },
  {
    codes: ['RoleAssignmentRequestPolicyValidationFailed'],
    refusal: 'refused-by-policy',
    fault: 'cloud-refused',
    say: brokenRules,
  },
  {
    codes: ['RoleAssignmentRequestAcrsValidationFailed'],
    refusal: 'not-signed-in',
    fault: 'sign-in-failed',
    say: words('Azure wants a stronger sign-in for this role.', 'Sign in to Azure again and confirm the extra step, then ask again.'),
  },
  {
    codes: ['InvalidRoleAssignmentRequestSchedule'],
    refusal: 'bad-input',
    fault: 'cloud-refused',
    say: ({ message }) => ({ message: `Azure refused the time window: ${sentence(message)}`, wayOut: 'Ask for another length of time.' }),
  },
  {
    codes: ['SubjectNotFound', 'PrincipalNotFound'],
    refusal: 'not-found',
    fault: 'cloud-refused',
    retryable: true,
    say: words('Azure does not know this person yet.', 'A new account takes some minutes to be known everywhere. Try again then.'),
  },
  { codes: ['AuthorizationFailed'], refusal: 'not-eligible', fault: 'cloud-refused', say: forbidden },
  {
    codes: ['LinkedAuthorizationFailed', 'ApplicationGatewayInsufficientPermissionOnSubnet'],
    refusal: 'not-eligible',
    fault: 'cloud-refused',
    say: ({ message }) => ({
      message: `The change also touches ${linkedScope(message)}, where this identity has no rights.`,
      wayOut: 'Leave that part as it is, or ask an administrator to make this change.',
    }),
  },
  {
    codes: ['InsufficientPermissions', 'ScopeDoesNotMatchRoleDefinition', 'RoleDefinitionDoesNotExist', 'RoleDefinitionNotFound'],
    refusal: 'unsupported',
    fault: 'configuration-invalid',
    say: notSetUp,
  },
  {
    codes: ['RoleAssignmentLimitExceeded'],
    refusal: 'unsupported',
    fault: 'cloud-refused',
    say: words(
      'This subscription has no room for another role assignment.',
      'An administrator must remove assignments that are not needed.',
    ),
  },
  {
    codes: ['ScopeLocked', 'FailedAsResourceIsLocked'],
    refusal: 'locked',
    fault: 'cloud-refused',
    say: ({ message }, { locks = [] }) => ({
      message: `A resource lock keeps Azure from removing the right${locks.length > 0 ? `: ${locks.join(', ')}` : lockedScope(message)}.`,
      wayOut: 'An administrator must remove the lock. Until then the elevation does not end.',
    }),
  },
  {
    codes: ['PreconditionFailed'],
    refusal: 'too-late',
    fault: 'cloud-refused',
    say: words('Somebody changed this balancer meanwhile.', 'Read it again, look at the difference, and ask again.'),
  },
  {
    codes: ['TooManyRequests', 'SubscriptionRequestsThrottled', 'RateLimiting', 'OperationThrottled'],
    refusal: 'rate-limited',
    fault: 'cloud-throttled',
    retryable: true,
    say: ({ retryAfter }) => ({
      message: 'Azure is asked too often.',
      wayOut: retryAfter === undefined ? 'Try again in a minute.' : `Try again in ${Math.ceil(retryAfter / 1_000)} s.`,
    }),
  },
  {
    codes: ['ExpiredAuthenticationToken', 'InvalidAuthenticationToken', 'InvalidAuthenticationTokenTenant', 'AuthenticationFailed'],
    refusal: 'not-signed-in',
    fault: 'sign-in-failed',
    say: words('Azure does not accept the sign-in.', 'Sign in to Azure again.'),
  },
];

/** What an answer means when its code is not in the table. */
function byStatus({ status }: AzureError): Row {
  const refused: Omit<Row, 'refusal' | 'fault'> = {
    codes: [],
    say: ({ code, message }) => ({
      message: `Azure refused: ${sentence(message)}${code ? ` (${code})` : ''}`,
      wayOut: 'Try again. If Azure refuses again, show this to an administrator.',
    }),
  };
  if (status === 401) return rowOf('AuthenticationFailed');
  if (status === 404) {
    return {
      codes: [],
      refusal: 'not-found',
      fault: 'cloud-refused',
      say: words('Azure does not find it.', 'It may have been deleted: refresh the list.'),
    };
  }
  if (status === 412) return rowOf('PreconditionFailed');
  if (status === 429) return rowOf('TooManyRequests');
  if (status >= 500 || status === 408) {
    return {
      codes: [],
      refusal: 'unreachable',
      fault: 'cloud-unreachable',
      retryable: true,
      say: words(`Azure does not answer (${status}).`, 'Try again.'),
    };
  }
  return { ...refused, refusal: 'refused-by-policy', fault: 'cloud-refused' };
}

const rowOf = (code: string): Row => {
  const row = ROWS.find(({ codes }) => codes.includes(code));
  if (!row) throw new Error(`No words for ${code}`);
  return row;
};

const meaning = (error: AzureError): Row => ROWS.find(({ codes }) => codes.includes(codeOf(error))) ?? byStatus(error);

/** A definite no, for people. `code` is a `RefusalCode`. */
export function problemOf(error: AzureError, known: Known = {}): Problem {
  const row = meaning(error);
  const { message, wayOut, refusal } = row.say(error, known);
  return { code: refusal ?? row.refusal, message: message.slice(0, 2_000), ...(wayOut && { wayOut: wayOut.slice(0, 1_000) }) };
}

/** Whatever was thrown while Azure was asked, as a `Fault`. */
export function faultOf(error: unknown, now: number): Fault {
  if (error instanceof Fault) return error;
  const answer = azureErrorOf(error, now);
  if (answer) {
    const { message, wayOut } = problemOf(answer);
    const { fault, retryable } = meaning(answer);
    return new Fault(fault, message, {
      cause: error,
      detail: codeOf(answer) || String(answer.status),
      retryable: retryable ?? false,
      ...(wayOut && { wayOut }),
    });
  }
  const name = error instanceof Error ? error.name : '';
  if (name === 'AbortError' || name === 'TimeoutError') {
    return new Fault('timed-out', 'Azure did not answer in time.', { cause: error, retryable: true });
  }
  if (/^(Credential|Authentication|AggregateAuthentication)/.test(name)) {
    return new Fault('sign-in-failed', 'Not signed in to Azure.', {
      cause: error,
      wayOut: loginCommand(error) ?? 'Sign in with VS Code, or run "az login" in a terminal.',
    });
  }
  return new Fault('cloud-unreachable', 'Azure cannot be reached.', {
    cause: error,
    retryable: true,
    wayOut: 'Check the network, the proxy and the configured endpoint.',
  });
}

/** The Azure CLI names the very command that satisfies a claims challenge. */
function loginCommand(error: unknown): string | undefined {
  const command =
    error instanceof Error ? /az login --claims-challenge \S+ --scope \S+(?: --tenant \S+)?/.exec(error.message)?.[0] : undefined;
  return command && `Run "${command}" in a terminal, then ask again.`;
}

/** Whether the role's policy wants less time, as far as Azure's answer says. */
export const isTooLong = (error: AzureError): boolean =>
  codeOf(error) === 'RoleAssignmentRequestPolicyValidationFailed' && error.message.includes('ExpirationRule');

const RULES: readonly [rule: string, words: (known: Known) => Words][] = [
  [
    'EligibilityRule',
    () => ({
      refusal: 'not-eligible',
      message: 'Not eligible for this role here.',
      wayOut: 'Ask an administrator to make you eligible in Entra PIM.',
    }),
  ],
  [
    'MfaRule',
    () => ({
      refusal: 'not-signed-in',
      message: 'Azure wants a sign-in with a second factor.',
      wayOut: 'Sign in to Azure again with your second factor.',
    }),
  ],
  ['ExpirationRule', tooLong],
  ['JustificationRule', () => ({ refusal: 'bad-input', message: 'Azure wants a reason.', wayOut: 'Give a reason.' })],
  ['TicketingRule', () => ({ refusal: 'bad-input', message: 'Azure wants a ticket.', wayOut: 'Give the number of the ticket.' })],
];

function tooLong({ longest }: Known): Words {
  const minutes = longest === undefined ? undefined : Math.floor(longest / MINUTE);
  return {
    refusal: 'bad-input',
    message: minutes ? `Azure allows at most ${minutes} min for this role here.` : 'Azure allows less time for this role here.',
    wayOut: minutes ? `Ask for ${minutes} min or less.` : 'Ask for a shorter time.',
  };
}

function brokenRules({ message }: AzureError, known: Known): Words {
  const broken = RULES.filter(([rule]) => message.includes(rule)).map(([, say]) => say(known));
  const [first] = broken;
  if (!first) {
    return {
      message: `The role's policy in Entra PIM refused: ${sentence(message)}`,
      wayOut: "An administrator can see in the role's settings in Entra PIM what it asks for.",
    };
  }
  return {
    refusal: first.refusal,
    message: broken.map((say) => say.message).join(' '),
    wayOut: broken.flatMap((say) => say.wayOut ?? []).join(' '),
  };
}

function notSetUp({ message }: AzureError, { elevation }: Known): Words {
  if (!elevation) {
    return {
      message: `Azure is not set up for this role here: ${sentence(message)}`,
      wayOut: 'An administrator must create the role at this subscription and let Portcullis assign it.',
    };
  }
  const { scope, roleGuid } = elevation;
  const role = roleInWords(roleGuid);
  return {
    message: `Azure is not set up for the role ${role} on ${scope.slice(scope.lastIndexOf('/') + 1)}: ${sentence(message)}`,
    wayOut: `An administrator must create the role ${role} and let Portcullis assign it at /${scope.replace(/^\/+/, '')}.`,
  };
}

function forbidden({ message }: AzureError): Words {
  const [, action, scope] = /perform action '([^']+)' over scope '([^']+)'/.exec(message) ?? [];
  const fresh = 'If access was granted minutes ago, wait until it is usable.';
  if (!action || !scope) return { message: 'No right to do this in Azure.', wayOut: `Elevate on this balancer first. ${fresh}` };
  return {
    message: `No right to do ${action} on ${scope.slice(scope.lastIndexOf('/') + 1)}.`,
    wayOut: `${whereToGetIt(smallestRole(action, scope))} ${fresh}`,
  };
}

function whereToGetIt(role: RoleThere | undefined | null): string {
  if (role === null) return 'Ask an administrator for it.';
  if (!role) return 'No role of Portcullis has this right: ask an administrator for it.';
  return `Elevate on ${role.on} as "${role.title}", the smallest role that has it.`;
}

const linkedScope = (message: string): string => {
  const scopes = /linked scope\(s\) '([^']+)'/.exec(message)?.[1] ?? /(\/subscriptions\/[^\s',]+)/.exec(message)?.[1];
  return scopes ? scopes.split(',').join(', ') : 'another resource';
};

const lockedScope = (message: string): string => {
  const scopes = /locked: '([^']+)'/.exec(message)?.[1];
  return scopes ? ` (${scopes})` : '';
};

/** Azure's own words, on one line and not endless. */
const sentence = (message: string): string => message.replace(/\s+/g, ' ').trim().slice(0, 600) || 'no reason given';
