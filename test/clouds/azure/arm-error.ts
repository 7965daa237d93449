import type { JsonObject } from './json.ts';

/** What Azure answers instead of success: status, code and message as its own services write them. */
export class ArmError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly details: JsonObject[] | undefined;

  constructor(status: number, code: string, message: string, more: { headers?: Record<string, string>; details?: JsonObject[] } = {}) {
    super(message);
    this.name = 'ArmError';
    this.status = status;
    this.code = code;
    this.headers = more.headers ?? {};
    this.details = more.details;
  }

  get body(): JsonObject {
    return { error: { code: this.code, message: this.message, ...(this.details && { details: this.details }) } };
  }
}

export const badRequest = (code: string, message: string): ArmError => new ArmError(400, code, message);

export const resourceNotFound = (type: string, name: string, group: string): ArmError =>
  new ArmError(
    404,
    'ResourceNotFound',
    `The Resource '${type}/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );
