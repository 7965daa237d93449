// `npm run roles -- SCOPE FOLDER`: writes the custom role definitions of the catalogue for Azure, one file each, and prints
// the commands that create them. Their ids are fixed, so the same command updates one that exists.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { catalogueDefinitions, type RoleDefinition } from '../roles/catalogue.ts';

const SCOPE = /^\/(subscriptions\/[0-9a-f-]{36}|providers\/microsoft\.management\/managementgroups\/[\w.()-]+)$/i;

/** What Azure takes for one role. @param scope Where it may be assigned: a subscription or a management group. */
export const azureBody = ({ name, description, actions }: RoleDefinition, scope: string) => ({
  properties: {
    roleName: name,
    description,
    type: 'CustomRole',
    permissions: [{ actions, notActions: [], dataActions: [], notDataActions: [] }],
    assignableScopes: [scope],
  },
});

export function command({ guid }: Pick<RoleDefinition, 'guid'>, scope: string, file: string): string {
  const url = `https://management.azure.com${scope}/providers/Microsoft.Authorization/roleDefinitions/${guid}?api-version=2022-04-01`;
  return `az rest --method put --url '${url}' --body '@${file}'`;
}

function main([scope, folder]: string[]): number {
  if (!scope || !folder || !SCOPE.test(scope)) {
    console.error('Usage: npm run roles -- SCOPE FOLDER');
    console.error('SCOPE is /subscriptions/ID or /providers/Microsoft.Management/managementGroups/NAME');
    return 2;
  }
  mkdirSync(folder, { recursive: true });
  for (const definition of catalogueDefinitions('azure')) {
    const file = path.join(folder, `${definition.roleId}.json`);
    writeFileSync(file, `${JSON.stringify(azureBody(definition, scope), undefined, 2)}\n`);
    console.log(command(definition, scope, file));
  }
  return 0;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
