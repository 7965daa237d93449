import { catalogueDefinitions } from '../../roles/catalogue.ts';

const NAMES: ReadonlyMap<string, string> = new Map(catalogueDefinitions('azure').map(({ guid, name }) => [guid, name]));

/** A role definition as an administrator finds it in Azure: by its name where the catalogue has it, and by its GUID. */
export function roleInWords(guid: string): string {
  const name = NAMES.get(guid.toLowerCase());
  return name ? `"${name}" (${guid})` : guid;
}
