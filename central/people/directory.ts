import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { Fault } from '../../protocol/fault.ts';
import { PersonId } from '../../protocol/ids.ts';
import type { Person } from '../../protocol/model.ts';
import { describeIssues } from '../configuration/issues.ts';
import { type Actor, keysOf } from './actor.ts';

/** What a verified token says. */
export interface Claims {
  issuer: string;
  subject: string;
  /** All claims, unread. */
  all: Readonly<Record<string, unknown>>;
}

/** Who somebody is beyond their token: groups, cloud identities, other accounts. */
export interface Directory {
  actor(claims: Claims): Actor;
  /** As known now; undefined when they are not. */
  find(personId: string): Actor | undefined;
  /** People of a group, as far as they are known, in order of name. */
  members(group: string): Person[];
}

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(320));
const DirectoryFile = v.strictObject({
  people: v.array(
    v.strictObject({
      /** Subject at the issuer. */
      id: PersonId,
      name: v.pipe(text, v.maxLength(200)),
      email: v.optional(text),
      azureObjectId: v.optional(v.pipe(v.string(), v.uuid())),
      groups: v.optional(v.array(text), []),
      /** Other subjects of the same human: none of them may approve what another asked. */
      aliases: v.optional(v.array(PersonId), []),
    }),
  ),
});

/** Everybody from one JSON file: `{"people": [{"id", "name", "email", "azureObjectId", "groups", "aliases"}]}`. */
export class FileDirectory implements Directory {
  readonly #file: string;
  readonly #issuer: string;
  #people = new Map<string, Actor>();

  constructor(file: string, issuer: string) {
    this.#file = file;
    this.#issuer = issuer;
  }

  /** Reads the file again. On a bad file it throws and what was known stays. */
  async reload(): Promise<void> {
    const people = new Map<string, Actor>();
    for (const { id, name, email, azureObjectId, groups, aliases } of await this.#read()) {
      if (people.has(id)) throw this.#invalid(`people: the id "${id}" is there twice`);
      const principals = azureObjectId ? { azure: azureObjectId.toLowerCase() } : {};
      const person = email ? { id, name, email } : { id, name };
      people.set(id, { issuer: this.#issuer, person, groups, principals, keys: keysOf(this.#issuer, [id, ...aliases], principals) });
    }
    this.#people = people;
  }

  /** Somebody the directory does not know is signed in, and in no group. */
  actor({ issuer, subject, all }: Claims): Actor {
    const id = v.parse(PersonId, subject);
    const name = typeof all['name'] === 'string' ? all['name'].slice(0, 200) : subject.slice(0, 200);
    return this.find(subject) ?? { issuer, person: { id, name }, groups: [], principals: {}, keys: keysOf(issuer, [id], {}) };
  }

  find(personId: string): Actor | undefined {
    return this.#people.get(personId);
  }

  members(group: string): Person[] {
    return byName([...this.#people.values()].filter(({ groups }) => groups.includes(group)).map(({ person }) => person));
  }

  async #read(): Promise<v.InferOutput<typeof DirectoryFile>['people']> {
    let json: unknown;
    try {
      json = JSON.parse(await readFile(this.#file, 'utf8'));
    } catch (error) {
      throw this.#invalid((error as Error).message, error);
    }
    const parsed = v.safeParse(DirectoryFile, json);
    if (!parsed.success) throw this.#invalid(describeIssues(parsed.issues).join('; '));
    return parsed.output.people;
  }

  #invalid(what: string, cause?: unknown): Fault {
    const wayOut = 'Each person needs an id (the subject at the issuer) and a name';
    return new Fault('configuration-invalid', `The directory ${this.#file} cannot be used: ${what}`, { cause, wayOut });
  }
}

/** Names of the claims that carry what a directory would. */
export interface ClaimNames {
  name: string;
  email: string;
  groups: string;
  azureObjectId: string;
}

/** Everybody from their own token. Members of a group are those who signed in since this central started. */
export class ClaimsDirectory implements Directory {
  readonly #names: ClaimNames;
  readonly #seen = new Map<string, Actor>();

  constructor(names: ClaimNames) {
    this.#names = names;
  }

  actor({ issuer, subject, all }: Claims): Actor {
    const id = v.parse(PersonId, subject);
    const word = (name: string) => (typeof all[name] === 'string' ? all[name] : undefined);
    const email = word(this.#names.email)?.slice(0, 320);
    const objectId = word(this.#names.azureObjectId)?.toLowerCase();
    const principals = objectId ? { azure: objectId } : {};
    const groups = all[this.#names.groups];
    const actor: Actor = {
      issuer,
      person: { id, name: (word(this.#names.name) ?? email ?? subject).slice(0, 200), ...(email ? { email } : {}) },
      groups: Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : [],
      principals,
      keys: keysOf(issuer, [id], principals),
    };
    this.#seen.set(id, actor);
    return actor;
  }

  find(personId: string): Actor | undefined {
    return this.#seen.get(personId);
  }

  members(group: string): Person[] {
    return byName([...this.#seen.values()].filter(({ groups }) => groups.includes(group)).map(({ person }) => person));
  }
}

const byName = (people: Person[]): Person[] => people.sort((a, b) => a.name.localeCompare(b.name, 'en'));
