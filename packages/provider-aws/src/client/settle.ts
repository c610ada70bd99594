/**
 * The outcome of one promise; never rejects. For calls whose failure is an answer too.
 */
export async function settle<T>(work: T): Promise<PromiseSettledResult<Awaited<T>>> {
  const [result] = await Promise.allSettled([work])
  return result
}
