import type { Problem } from '../../protocol/model.ts';

/** What a request's `status` means. `201 Created` says nothing: this word decides. */
export type Meaning =
  | { is: 'active' }
  /** Azure is at work; the word will change. */
  | { is: 'moving' }
  | { is: 'awaiting approval' }
  | { is: 'released' }
  | { is: 'locked' }
  | { is: 'refused'; problem: Problem }
  /** A word that Azure did not document: nothing is known. */
  | { is: 'unknown' };

const refused = (code: string, message: string, wayOut?: string): Meaning => ({
  is: 'refused',
  problem: { code, message, ...(wayOut && { wayOut }) },
});

const MEANINGS: Readonly<Record<string, Meaning>> = {
  Provisioned: { is: 'active' },
  // Scheduled for later, even for a start a few minutes ahead: it will come without being asked again.
  Granted: { is: 'active' },
  Accepted: { is: 'moving' },
  PendingEvaluation: { is: 'moving' },
  PendingProvisioning: { is: 'moving' },
  ProvisioningStarted: { is: 'moving' },
  PendingScheduleCreation: { is: 'moving' },
  ScheduleCreated: { is: 'moving' },
  PendingExternalProvisioning: { is: 'moving' },
  AdminApproved: { is: 'moving' },
  // The power stands until `Revoked`.
  PendingRevocation: { is: 'moving' },
  PendingApproval: { is: 'awaiting approval' },
  PendingApprovalProvisioning: { is: 'awaiting approval' },
  PendingAdminDecision: { is: 'awaiting approval' },
  Revoked: { is: 'released' },
  FailedAsResourceIsLocked: { is: 'locked' },
  Denied: refused('refused-by-policy', 'An approver in Azure said no.', 'Ask the approver why.'),
  AdminDenied: refused('refused-by-policy', 'An administrator in Azure said no.', 'Ask the administrator why.'),
  Canceled: refused('too-late', 'The request was cancelled in Azure.', 'Ask again.'),
  TimedOut: refused('too-late', 'Nobody decided in time in Azure.', 'Ask again, and tell the approvers.'),
  Failed: refused(
    'refused-by-policy',
    'Azure could not make the assignment.',
    'Try again. If it fails again, an administrator can see why in Entra PIM.',
  ),
  Invalid: refused('bad-input', 'Azure says that the request is not valid.', 'Ask for another length of time or another role.'),
};

export const meaningOf = (status: string | undefined): Meaning =>
  (status === undefined ? undefined : MEANINGS[status]) ?? { is: 'unknown' };
