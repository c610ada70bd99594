// The chain of manager.ts under load, on stores that fail one after the other.
import { setTimeout as sleep } from 'node:timers/promises'
import { SecretsError, type SecretsManager } from '@finchat/secrets-core'
import { openSecrets } from './manager.ts'
import { type Read, startReads } from './read-load.ts'
import { type Mark, paragraph, table, title } from './screen.ts'
import { type FailingStores, sharedNames } from './stores.ts'
import { startTimeline, type Timeline } from './timeline.ts'

/** Shorter than a service would have them, so that half a minute shows it all. */
const timeoutMs = 1_000
const cache = { ttlSeconds: 1, maxStaleSeconds: 2 }

const interruption = new AbortController()
const { signal } = interruption
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => interruption.abort())
let warnings = 0
// Counted, instead of on standard error, where Node prints them.
process.removeAllListeners('warning').on('warning', ({ name }) => void (warnings += name === 'SecretsWarning' ? 1 : 0))

/** What is said of the act that depends on its stores. */
export interface Programme {
  readonly heading: string
  readonly aws: string
  readonly vault: string
  readonly closing: readonly string[]
}

export async function perform(programme: Programme, start: () => Promise<FailingStores>): Promise<void> {
  introduce(programme)
  const stores = await start()
  const { aws, vault } = stores.settings
  const secrets = openSecrets({ ...stores.settings, aws: { ...aws, timeoutMs }, vault: { ...vault, timeoutMs } }, cache)
  try {
    await secrets.getSecret('only/local') // every store is asked: the AWS SDK is loaded by then, and Vault logged in to
    signal.throwIfAborted()
    await play(stores, secrets)
    paragraph('', ...programme.closing, '')
  } catch (error) {
    if (!signal.aborted) throw error
    paragraph('', 'Interrupted: the servers are being ended.', '')
    process.exitCode = 130 // what a shell says of a program that Ctrl-C ended
  } finally {
    await secrets.close({ timeoutMs: 2_000 })
    await stores.stop()
  }
}

function introduce({ heading, aws, vault }: Programme): void {
  title(heading)
  paragraph(
    `aws     ${aws}`,
    `vault   ${vault}`,
    'local   an encrypted store on this machine',
    'env     environment variables',
    '',
    'All four hold the same 8 secrets, which a service reads 40 times a second. It',
    'holds an answer for 1 s, and for 2 s more while the store cannot be asked.',
    'Each line below: when, who answers from then on, how long the first such read',
    'took, and what that means. The servers are being started.',
  )
}

async function play(stores: FailingStores, secrets: SecretsManager): Promise<void> {
  const timeline = startTimeline()
  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal })
  timeline.begin('All four stores are well.')
  const load = startReads(secrets, sharedNames, timeline.saw)
  let backAfterMs = 0
  try {
    await pause(2_000)
    timeline.begin('AWS freezes: it accepts connections, and answers nothing.')
    stores.freezeAws()
    await load.next('vault, degraded', signal)
    await lookAround(secrets, timeline)
    timeline.begin('Vault is sealed, too.')
    await stores.sealVault()
    await load.next('local, degraded', signal)
    await pause(1_000)
    timeline.begin('AWS goes on, and Vault is unsealed. Nothing else is done.')
    const mendedAt = performance.now()
    await stores.mend()
    await load.next('aws', signal)
    backAfterMs = performance.now() - mendedAt
    await pause(1_000)
  } finally {
    await load.stop()
  }
  report(load.reads, backAfterMs)
}

/** What other calls say during the outage. */
async function lookAround(secrets: SecretsManager, { tell }: Timeline): Promise<void> {
  const timed = async (mark: Mark, what: string, call: Promise<string>, meaning = ''): Promise<void> => {
    const startedAt = performance.now()
    const said = await call
    tell(mark, what, performance.now() - startedAt, `${said}${meaning}`)
  }
  await timed('no', 'a name that none has', codeOf(secrets.getSecret('no-such-secret')), ', never "not found"')
  await timed('no', 'rotateSecret', codeOf(secrets.rotateSecret(String(sharedNames[0]), 'next')), ': Vault is not written')
  await timed('note', 'checkHealth', health(secrets))
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  const [result] = await Promise.allSettled([call])
  if (result.status === 'fulfilled') return 'done'
  return SecretsError.isInstance(result.reason) ? result.reason.code : 'unexpected'
}

async function health(secrets: SecretsManager): Promise<string> {
  const { providers } = await secrets.checkHealth()
  const failed = Object.entries(providers).flatMap(([name, each]) => (each.status === 'failed' ? [`${name}: ${each.code}`] : []))
  return [...failed, 'others ok'].join('; ')
}

function report(reads: readonly Read[], backAfterMs: number): void {
  const rows = [...Map.groupBy(reads, ({ outcome }) => outcome)].map(([outcome, group]) => {
    return [outcome, String(group.length), `${Math.round(Math.max(...group.map(({ tookMs }) => tookMs)))} ms`]
  })
  const failed = reads.filter(({ outcome }) => outcome.startsWith('failed')).length
  title(`${reads.length} reads, ${failed} failed`)
  table(['answered by', 'reads', 'slowest'], rows)
  paragraph(
    '',
    'A store that hangs costs a read its deadline, here 1 s, and no more. After',
    'five such reads it is left alone for 1 to 3 s, or for 8 to 10 s where a stale',
    `value stands in; then one read tries it. AWS answered ${(backAfterMs / 1000).toFixed(1)} s after it went on.`,
    `Process warnings: ${warnings}, one for each store.`,
  )
}
