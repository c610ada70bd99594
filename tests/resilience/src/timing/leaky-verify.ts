/**
 * The comparison that one should not write: it ends at the first character that differs. The timing
 * test must detect it.
 */
export function leakyVerify(secrets: ReadonlyMap<string, string>): (name: string, candidate: string) => Promise<boolean> {
  return async (name, candidate) => {
    const secret = secrets.get(name) ?? ''
    for (let at = 0; at < secret.length; at++) if (secret.charCodeAt(at) !== candidate.charCodeAt(at)) return false
    return secret.length === candidate.length
  }
}
