/** Somebody who can sign in at the test identity provider. */
export interface IdentityPerson {
  /** Subject of their tokens. */
  id: string;
  name: string;
  email?: string | undefined;
  /** Entra object id, for the claim `oid`. */
  oid?: string | undefined;
  /** For directories that read claims. */
  groups?: readonly string[] | undefined;
}
