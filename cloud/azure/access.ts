import type { TokenCredential } from '@azure/identity';
import type { Clock } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { Access } from '../provider.ts';
import { coversAll } from './actions.ts';
import { azureErrorOf } from './azure-error.ts';
import type { AzureClients } from './clients.ts';
import { faultOf } from './errors.ts';
import { locksAt } from './locks.ts';
import { permissionsAt } from './permissions.ts';
import { onlyAs, personOf } from './person.ts';
import { parseResource } from './resource-id.ts';
import type { AzureSettings } from './settings.ts';

/**
 * @param credential Asked anew for each check and each `whoAmI`, past every cache of ours. Whether the token is new is
 * up to its source: a client secret gives a new one, the Azure CLI and VS Code may hand out one that they keep. Azure may
 * judge a kept token by what it remembers, for up to the propagation bound: the answer is then late, never wrong.
 */
export function azureAccess(clients: AzureClients, credential: TokenCredential, settings: AzureSettings, clock: Clock): Access {
  return {
    async whoAmI(signal) {
      return personOf(credential, settings, signal).catch((error) => {
        throw faultOf(error, clock.now());
      });
    },
    async check(resource, actions, signal, principalId) {
      const parsed = parseResource(resource);
      if (!parsed || actions.length === 0) {
        throw new Fault('not-supported-here', 'There is no right in Azure that could be checked here.');
      }
      try {
        return coversAll(await permissionsAt(clients, onlyAs(credential, principalId), parsed, signal), actions) ? 'allowed' : 'denied';
      } catch (error) {
        // Somebody without any right at a resource may not even ask which rights they have there.
        if (azureErrorOf(error, clock.now())?.code === 'AuthorizationFailed') return 'denied';
        throw faultOf(error, clock.now());
      }
    },
    async locks(resource, signal) {
      return locksAt(clients, settings, resource, signal).catch((error) => {
        throw faultOf(error, clock.now());
      });
    },
  };
}
