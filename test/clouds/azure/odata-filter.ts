import { badRequest } from './arm-error.ts';
import { guidOf } from './arm-id.ts';

/** The clauses of `$filter` that Microsoft.Authorization understands, joined by `and`. */
export interface Filter {
  atScope: boolean;
  asTarget: boolean;
  asRequestor: boolean;
  asApprover: boolean;
  assignedTo?: string | undefined;
  principalId?: string | undefined;
  roleGuid?: string | undefined;
  status?: string | undefined;
}

export function parseFilter(text: string | undefined): Filter {
  const filter: Filter = { atScope: false, asTarget: false, asRequestor: false, asApprover: false };
  for (const clause of (text ?? '').split(/\s+and\s+/i).map((one) => one.trim())) {
    if (clause === '') continue;
    const call = /^(atScope|asTarget|asRequestor|asApprover)\(\)$/i.exec(clause)?.[1]?.toLowerCase();
    const assigned = /^assignedTo\('([^']*)'\)$/i.exec(clause)?.[1];
    const [, field, value = ''] = /^(principalId|roleDefinitionId|status)\s+eq\s+'([^']*)'$/i.exec(clause) ?? [];
    if (call === 'atscope') filter.atScope = true;
    else if (call === 'astarget') filter.asTarget = true;
    else if (call === 'asrequestor') filter.asRequestor = true;
    else if (call === 'asapprover') filter.asApprover = true;
    else if (assigned !== undefined) filter.assignedTo = assigned.toLowerCase();
    else if (field?.toLowerCase() === 'principalid') filter.principalId = value.toLowerCase();
    else if (field?.toLowerCase() === 'roledefinitionid') filter.roleGuid = guidOf(value);
    else if (field?.toLowerCase() === 'status') filter.status = value.toLowerCase();
    else
      throw badRequest(
        'InvalidFilter',
        `The filter '${clause}' is not supported. Supported are atScope(), asTarget(), assignedTo(''), principalId eq '' and roleDefinitionId eq ''.`,
      );
  }
  return filter;
}
