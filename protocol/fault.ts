import { withoutCredentials } from './withheld.ts';

/** Every fault: something that should have worked did not. */
export type FaultCode =
  | 'cloud-unreachable'
  | 'cloud-refused'
  | 'cloud-throttled'
  | 'central-unreachable'
  | 'central-refused'
  | 'sign-in-failed'
  | 'store-failed'
  | 'configuration-invalid'
  | 'protocol-violation'
  | 'timed-out'
  | 'not-supported-here';

interface FaultOptions {
  cause?: unknown;
  retryable?: boolean;
  /** What a person can do about it. */
  wayOut?: string;
  /** The other side's own code, such as `AuthorizationFailed`. */
  detail?: string;
}

/** A coded error. `message` is public, so what looks like a credential is left out of it; the private detail is the cause. */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly retryable: boolean;
  readonly wayOut: string | undefined;
  readonly detail: string | undefined;

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(withoutCredentials(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Fault';
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.wayOut = options.wayOut;
    this.detail = options.detail;
  }
}
