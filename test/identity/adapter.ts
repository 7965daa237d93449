interface Payload {
  uid?: string;
  userCode?: string;
  grantId?: string;
  consumed?: boolean;
}

/**
 * Where the provider keeps what it issued: in memory, for as long as it runs. The provider itself looks at expiry.
 * Sessions, codes and tokens of one provider share it, so that a grant that is revoked takes all of them along.
 * @param onKept Told of all that is kept. The id of a code or of a refresh token is what its holder shows.
 */
export function adapterInMemory(onKept: (model: string, id: string) => void = () => {}): (model: string) => object {
  const kept = new Map<string, Payload>();
  const first = (model: string, wanted: (payload: Payload) => boolean) =>
    [...kept].find(([key, payload]) => key.startsWith(`${model}:`) && wanted(payload))?.[1];
  return (model) => ({
    async upsert(id: string, payload: Payload) {
      kept.set(`${model}:${id}`, payload);
      onKept(model, id);
    },
    async find(id: string) {
      return kept.get(`${model}:${id}`);
    },
    async findByUid(uid: string) {
      return first(model, (payload) => payload.uid === uid);
    },
    async findByUserCode(userCode: string) {
      return first(model, (payload) => payload.userCode === userCode);
    },
    async consume(id: string) {
      const payload = kept.get(`${model}:${id}`);
      if (payload) payload.consumed = true;
    },
    async destroy(id: string) {
      kept.delete(`${model}:${id}`);
    },
    async revokeByGrantId(grantId: string) {
      for (const [key, payload] of kept) if (payload.grantId === grantId) kept.delete(key);
    },
  });
}
