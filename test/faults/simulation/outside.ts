/** Runs it from no promise job: there the simulated promises could not be settled. */
export function outside<T>(act: () => T): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  setImmediate(() => {
    try {
      resolve(act());
    } catch (error) {
      reject(error);
    }
  });
  return promise;
}
