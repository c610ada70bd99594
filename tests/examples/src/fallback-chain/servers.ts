import { findServer, getServer, type ServerName } from '@finchat/secrets-test-servers'

const needed: readonly ServerName[] = ['moto', 'openbao']

/**
 * Gets missing servers, as `npm test` does. Returns whether all are there; if not, it has printed
 * the remedy.
 */
export async function getServers(): Promise<boolean> {
  const absent = needed.map(findServer).filter(({ found }) => !found)
  if (absent.length === 0) return true
  process.stderr.write(`\nGetting once, into .servers/: ${absent.map(({ title }) => title).join(', ')} ... `)
  const startedAt = performance.now()
  const missing = (await Promise.all(needed.map(getServer))).filter((server) => !server.found)
  process.stderr.write(missing.length === 0 ? `${((performance.now() - startedAt) / 1000).toFixed(1)} s\n` : 'failed\n')
  for (const { title, reason, remedy } of missing) {
    process.stderr.write(`\nThe second act needs ${title}, but ${reason}.\nWhat helps, before you run this again: ${remedy}\n`)
  }
  return missing.length === 0
}
