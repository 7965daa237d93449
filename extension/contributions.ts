/**
 * Everything that the manifest declares for the editor, once. `manifest()` gives package.json's `contributes`;
 * a test proves that manifest, code and README agree.
 */

export const PUBLISHED = 'portcullis.portcullis';
export const CONTAINER = 'portcullis';
export const BALANCERS_VIEW = 'portcullis.balancers';
export const APPROVALS_VIEW = 'portcullis.approvals';

/** What is true now, for `when` clauses. Set in one place: `context-keys.ts`. */
export const CONTEXT = {
  /** `connecting`, `connected`, `absent` or `lost`. */
  link: 'portcullis.link',
  /** Nobody is signed in where signing in is needed. */
  signedOut: 'portcullis.signedOut',
  /** Somebody is signed in somewhere. */
  signedIn: 'portcullis.signedIn',
  /** Somebody is signed in to the cloud, and what is asked for can be recorded. */
  mayAsk: 'portcullis.mayAsk',
  /** I hold something that can be revoked. */
  holding: 'portcullis.holding',
  /** I hold something that can be extended. */
  extendable: 'portcullis.extendable',
  /** A request of mine waits for a decision. */
  waiting: 'portcullis.waiting',
  /** Requests wait for my decision. */
  deciding: 'portcullis.deciding',
  /** The tree is filtered. */
  filtered: 'portcullis.filtered',
  /** The list of load balancers has been read at least once. */
  listed: 'portcullis.listed',
} as const;
export type ContextKey = keyof typeof CONTEXT;

const connected = `${CONTEXT.link} == connected`;
const inBalancers = (flag: string) => `view == ${BALANCERS_VIEW} && viewItem =~ /\\+${flag}\\b/`;
const inApprovals = (flag: string) => `view == ${APPROVALS_VIEW} && viewItem =~ /\\+${flag}\\b/`;

interface Place {
  menu: 'view/title' | 'view/item/context';
  when: string;
  /** `inline`, `navigation`, `1_access`, `2_config`, `3_open`, `9_copy`, with `@n` for the order. */
  group: string;
}

interface Declared {
  id: string;
  title: string;
  icon?: string;
  /** When the command palette offers it. `false`: it only makes sense on a row. */
  palette: string | false;
  places?: readonly Place[];
}

export const COMMANDS = [
  {
    id: 'portcullis.elevate',
    title: 'Elevate…',
    icon: '$(unlock)',
    palette: CONTEXT.mayAsk,
    places: [
      { menu: 'view/item/context', when: `${inBalancers('offer')} && ${CONTEXT.mayAsk}`, group: 'inline@3' },
      { menu: 'view/item/context', when: `${inBalancers('elevate')} && ${CONTEXT.mayAsk}`, group: '1_access@1' },
    ],
  },
  {
    id: 'portcullis.revoke',
    title: 'Revoke…',
    icon: '$(lock)',
    palette: `${connected} && ${CONTEXT.holding}`,
    places: [
      { menu: 'view/item/context', when: inBalancers('room'), group: 'inline@2' },
      { menu: 'view/item/context', when: inBalancers('revoke'), group: '1_access@2' },
    ],
  },
  {
    id: 'portcullis.revokeAll',
    title: 'Revoke all',
    palette: `${connected} && ${CONTEXT.holding}`,
    places: [{ menu: 'view/title', when: `view == ${BALANCERS_VIEW} && ${CONTEXT.holding}`, group: '1_access@1' }],
  },
  {
    id: 'portcullis.extend',
    title: 'Extend…',
    icon: '$(watch)',
    palette: `${connected} && ${CONTEXT.extendable}`,
    places: [{ menu: 'view/item/context', when: inBalancers('extend'), group: '1_access@3' }],
  },
  {
    id: 'portcullis.cancelRequest',
    title: 'Cancel request',
    icon: '$(close)',
    palette: `${connected} && ${CONTEXT.waiting}`,
    places: [
      { menu: 'view/item/context', when: inBalancers('waiting'), group: 'inline@1' },
      { menu: 'view/item/context', when: inBalancers('waiting'), group: '1_access@4' },
    ],
  },
  { id: 'portcullis.approveRequests', title: 'Approve requests…', palette: `${connected} && ${CONTEXT.deciding}` },
  {
    id: 'portcullis.approveRequest',
    title: 'Approve…',
    icon: '$(check)',
    palette: false,
    places: [
      { menu: 'view/item/context', when: inApprovals('decide'), group: 'inline@2' },
      { menu: 'view/item/context', when: inApprovals('decide'), group: '1_access@2' },
    ],
  },
  {
    id: 'portcullis.denyRequest',
    title: 'Deny…',
    icon: '$(close)',
    palette: false,
    places: [
      { menu: 'view/item/context', when: inApprovals('decide'), group: 'inline@3' },
      { menu: 'view/item/context', when: inApprovals('decide'), group: '1_access@3' },
    ],
  },
  {
    id: 'portcullis.openRequest',
    title: 'Show what is asked',
    icon: '$(open-preview)',
    palette: false,
    places: [{ menu: 'view/item/context', when: inApprovals('decide'), group: '1_access@1' }],
  },
  {
    id: 'portcullis.showAccess',
    title: 'Show my access',
    palette: `${connected} && ${CONTEXT.holding} || ${connected} && ${CONTEXT.waiting}`,
  },
  {
    id: 'portcullis.showAudit',
    title: 'Show audit',
    icon: '$(history)',
    palette: connected,
    places: [{ menu: 'view/title', when: `view == ${BALANCERS_VIEW} && ${connected}`, group: 'navigation@4' }],
  },
  {
    id: 'portcullis.showInAudit',
    title: 'Show in audit',
    icon: '$(history)',
    palette: false,
    places: [{ menu: 'view/item/context', when: inBalancers('audit'), group: '3_open@1' }],
  },
  {
    id: 'portcullis.refresh',
    title: 'Refresh',
    icon: '$(refresh)',
    palette: `${connected} && !${CONTEXT.signedOut}`,
    places: [{ menu: 'view/title', when: `view == ${BALANCERS_VIEW} && ${connected} && !${CONTEXT.signedOut}`, group: 'navigation@3' }],
  },
  {
    id: 'portcullis.filter',
    title: 'Filter load balancers…',
    icon: '$(filter)',
    palette: false,
    places: [{ menu: 'view/title', when: `view == ${BALANCERS_VIEW} && ${connected}`, group: 'navigation@1' }],
  },
  {
    id: 'portcullis.clearFilter',
    title: 'Clear filter',
    icon: '$(clear-all)',
    palette: false,
    places: [{ menu: 'view/title', when: `view == ${BALANCERS_VIEW} && ${CONTEXT.filtered}`, group: 'navigation@2' }],
  },
  {
    id: 'portcullis.retry',
    title: 'Retry',
    icon: '$(refresh)',
    palette: false,
    places: [{ menu: 'view/item/context', when: inBalancers('retry'), group: 'inline@1' }],
  },
  { id: 'portcullis.showMore', title: 'Show more', palette: false },
  {
    id: 'portcullis.copyResourceId',
    title: 'Copy resource id',
    palette: false,
    places: [{ menu: 'view/item/context', when: inBalancers('elevate'), group: '9_copy@1' }],
  },
  {
    id: 'portcullis.signIn',
    title: 'Sign in',
    icon: '$(account)',
    palette: `${connected} && ${CONTEXT.signedOut}`,
    places: [{ menu: 'view/title', when: `view == ${BALANCERS_VIEW} && ${connected} && ${CONTEXT.signedOut}`, group: '2_account@1' }],
  },
  {
    id: 'portcullis.signOut',
    title: 'Sign out',
    palette: `${connected} && ${CONTEXT.signedIn}`,
    places: [{ menu: 'view/title', when: `view == ${BALANCERS_VIEW} && ${connected} && ${CONTEXT.signedIn}`, group: '2_account@2' }],
  },
  {
    id: 'portcullis.startDaemon',
    title: 'Start daemon',
    icon: '$(debug-start)',
    palette: `${CONTEXT.link} == absent`,
    places: [{ menu: 'view/title', when: `view == ${BALANCERS_VIEW} && ${CONTEXT.link} == absent`, group: 'navigation@1' }],
  },
  { id: 'portcullis.showDaemonLog', title: 'Show daemon log', palette: 'true' },
] as const satisfies readonly Declared[];
export type CommandId = (typeof COMMANDS)[number]['id'];

export const SETTINGS = {
  'portcullis.defaultMinutes': {
    type: 'integer',
    default: 15,
    minimum: 1,
    maximum: 1_440,
    scope: 'application',
    description: 'Minutes offered first when you elevate. The policy’s own limit always wins.',
  },
  'portcullis.whenLastWindowCloses': {
    type: 'string',
    default: 'end',
    enum: ['end', 'keep'],
    enumDescriptions: ['Everything you hold is revoked.', 'What you hold stays until it expires.'],
    scope: 'application',
    description: 'What happens to your access when the last editor window has closed.',
  },
  'portcullis.daemon.node': {
    type: 'string',
    default: '',
    scope: 'machine',
    description: 'Absolute path of the Node.js (24 or later) that runs the daemon. Empty: the one that the editor brings.',
  },
} as const;
export type SettingKey = keyof typeof SETTINGS;

const WELCOME = [
  {
    view: BALANCERS_VIEW,
    contents: 'Connecting to the Portcullis daemon…',
    when: `${CONTEXT.link} == connecting || ${CONTEXT.link} == lost`,
  },
  {
    view: BALANCERS_VIEW,
    contents:
      'The Portcullis daemon is not running, so nothing is known about your access.\n[Start](command:portcullis.startDaemon)\nThe [daemon log](command:portcullis.showDaemonLog) may say why.',
    when: `${CONTEXT.link} == absent`,
  },
  {
    view: BALANCERS_VIEW,
    contents: 'Sign in to see the load balancers of your organisation.\n[Sign in](command:portcullis.signIn)',
    when: `${connected} && ${CONTEXT.signedOut} && !${CONTEXT.filtered}`,
  },
  {
    view: BALANCERS_VIEW,
    contents: 'No load balancers found. Portcullis shows those that your account may read.\n[Refresh](command:portcullis.refresh)',
    when: `${connected} && !${CONTEXT.signedOut} && !${CONTEXT.filtered} && ${CONTEXT.listed}`,
  },
  {
    view: BALANCERS_VIEW,
    contents: 'Looking for load balancers…',
    when: `${connected} && !${CONTEXT.signedOut} && !${CONTEXT.filtered} && !${CONTEXT.listed}`,
  },
  {
    view: BALANCERS_VIEW,
    contents: 'No load balancer matches the filter.\n[Clear filter](command:portcullis.clearFilter)',
    when: `${connected} && ${CONTEXT.filtered}`,
  },
  { view: APPROVALS_VIEW, contents: 'No request waits for your decision.', when: connected },
  { view: APPROVALS_VIEW, contents: 'Not connected to the Portcullis daemon.', when: `${CONTEXT.link} != connected` },
] as const;

const CATEGORY = 'Portcullis';

/** The shape of package.json's `contributes`, as far as it is used. */
export interface Contributes {
  commands: { command: string; title: string; category: string; icon?: string }[];
  menus: Record<'commandPalette' | 'view/title' | 'view/item/context', { command: string; when: string; group?: string }[]>;
  viewsContainers: { activitybar: { id: string; title: string; icon: string }[] };
  views: Record<string, { id: string; name: string; contextualTitle: string; icon: string; initialSize: number }[]>;
  viewsWelcome: { view: string; contents: string; when: string }[];
  keybindings: { command: string; key: string; mac: string; when: string }[];
  configuration: { title: string; properties: Record<string, object> };
}

const declared: readonly Declared[] = COMMANDS;
const OUTLINE = 'extension/media/portcullis.svg';

export function manifest(): Contributes {
  const at = (menu: Place['menu']) =>
    declared.flatMap(({ id, places = [] }) =>
      places.filter((place) => place.menu === menu).map(({ when, group }) => ({ command: id, when, group })),
    );
  return {
    commands: declared.map(({ id, title, icon }) => ({ command: id, title, category: CATEGORY, ...(icon ? { icon } : {}) })),
    menus: {
      commandPalette: declared
        .filter(({ palette }) => palette !== 'true')
        .map(({ id, palette }) => ({ command: id, when: String(palette) })),
      'view/title': at('view/title'),
      'view/item/context': at('view/item/context'),
    },
    viewsContainers: { activitybar: [{ id: CONTAINER, title: 'Portcullis', icon: OUTLINE }] },
    views: {
      [CONTAINER]: [
        { id: BALANCERS_VIEW, name: 'Load balancers', contextualTitle: 'Portcullis', icon: OUTLINE, initialSize: 4 },
        { id: APPROVALS_VIEW, name: 'Approvals', contextualTitle: 'Portcullis', icon: OUTLINE, initialSize: 1 },
      ],
    },
    viewsWelcome: WELCOME.map((welcome) => ({ ...welcome })),
    keybindings: [
      {
        command: 'portcullis.revoke',
        key: 'ctrl+alt+shift+l',
        mac: 'cmd+alt+shift+l',
        when: `${connected} && ${CONTEXT.holding}`,
      },
    ],
    configuration: {
      title: 'Portcullis',
      properties: Object.fromEntries(Object.entries(SETTINGS).map(([key, value]) => [key, { ...value }])),
    },
  };
}
