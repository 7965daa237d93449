/** Somebody or something that Entra knows. */
export interface Principal {
  oid: string;
  kind: 'User' | 'ServicePrincipal' | 'Group';
  name: string;
  /** Users only. */
  upn?: string | undefined;
  /** Service principals only. */
  clientId?: string | undefined;
  clientSecret?: string | undefined;
  /** Groups only: object ids. */
  members?: string[] | undefined;
}

/** Everybody of the tenant, by object id. */
export class Directory {
  readonly #all: Map<string, Principal>;

  constructor(principals: readonly Principal[]) {
    this.#all = new Map(principals.map((principal) => [principal.oid.toLowerCase(), principal]));
  }

  get(oid: string): Principal | undefined {
    return this.#all.get(oid.toLowerCase());
  }

  app(clientId: string): Principal | undefined {
    return [...this.#all.values()].find((principal) => principal.clientId?.toLowerCase() === clientId.toLowerCase());
  }

  add(principal: Principal): void {
    this.#all.set(principal.oid.toLowerCase(), principal);
  }

  /** The person and every group the person is in: whose assignments count. */
  identities(oid: string): Set<string> {
    const id = oid.toLowerCase();
    const groups = [...this.#all.values()].filter(({ members }) => members?.some((member) => member.toLowerCase() === id));
    return new Set([id, ...groups.map((group) => group.oid.toLowerCase())]);
  }
}
