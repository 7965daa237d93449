import type { Approvers, Person } from '../../protocol/model.ts';

/** `Ben Okafor`, `2 of network-owners`, `Ben Okafor or Chloe Martin`: who must decide. */
export function decidedBy(approvers: Approvers | undefined): string {
  if (!approvers) return 'an approver';
  const { needed, group, people } = approvers;
  const names = listed(
    people.map(({ name }) => name),
    'or',
  );
  if (needed > 1) return `${needed} of ${group ?? (names || 'the approvers')}`;
  if (people.length > 0 && people.length <= 3) return names;
  return group ? `someone of ${group}` : names || 'an approver';
}

/** `Ben`, `Ben and Chloe`, `Ben, Chloe and 3 more`. */
export function listed(names: readonly string[], word = 'and'): string {
  if (names.length > 3) return `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`;
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} ${word} ${names.at(-1)}`;
}

export const withMail = ({ name, email }: Person): string => (email ? `${name} (${email})` : name);
