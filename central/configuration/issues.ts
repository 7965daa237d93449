import type { BaseIssue } from 'valibot';
import * as v from 'valibot';

/** One sentence for each broken rule: field, rule. */
export const describeIssues = (issues: readonly BaseIssue<unknown>[]): string[] =>
  issues.map((issue) => `${fieldOf(issue) ?? 'the whole'}: ${ruleOf(issue)}`);

export const fieldOf = (issue: BaseIssue<unknown>): string | undefined => v.getDotPath(issue) ?? undefined;

/** valibot's own words are for programmers: the two commonest are put into plain ones. */
export function ruleOf(issue: BaseIssue<unknown>): string {
  if (issue.type === 'strict_object' && issue.expected === 'never') return 'is not known here';
  if (issue.received === 'undefined') return 'is missing';
  return issue.message;
}
