import { setTimeout as sleep } from 'node:timers/promises'
import { auditTrail, jsonLinesFile } from '@finchat/secrets-audit'
import { createSecretsManager, envProvider, type SecretsManager } from '@finchat/secrets-core'
import { createInterface } from 'node:readline'
import { givenOrders } from '../harness/child.ts'
import type { CrowdOrders, CrowdReport } from './trail-crowd.ts'

/*
 * One process of a crowd that shares a folder. It prints `ready`, waits for a line, and reads a
 * secret with default options until it has passed the midnight of its clock. Then it prints its failures.
 */
const { folder, readMs, pauseMs, clockSpeed } = givenOrders() as CrowdOrders // as the fault-injection test gives them

async function live(): Promise<void> {
  const audit = auditTrail({ sinks: [jsonLinesFile({ folder })] })
  const secrets = createSecretsManager({ providers: [envProvider({ env: { TOKEN: 'hunter2' } })], audit })
  const lines = createInterface(process.stdin)[Symbol.asyncIterator]()
  say('ready')
  const { value: midnight } = await lines.next()
  const report = await readAll(secrets, Number(midnight))
  say(report)
  await lines.next() // all of them together
  await secrets.close()
  process.exit(0)
}

/** A clock that runs so many times faster, on which midnight, UTC, is at this time. */
function setMidnight(midnight: number): void {
  const [now, dayMs] = [Date.now.bind(Date), 86_400_000]
  const day = (Math.floor(midnight / dayMs) + 1) * dayMs
  Date.now = () => Math.floor(day + (now() - midnight) * clockSpeed)
}

async function readAll(secrets: SecretsManager, midnight: number): Promise<CrowdReport> {
  setMidnight(midnight)
  const [failures, until]: [string[], number] = [[], performance.now() + readMs]
  let [reads, slowestMs] = [0, 0]
  while (performance.now() < until) {
    const started = performance.now()
    await secrets.getSecret('TOKEN').catch((error: unknown) => failures.push(error instanceof Error ? error.message : 'unknown'))
    slowestMs = Math.max(slowestMs, performance.now() - started)
    reads++
    await sleep(pauseMs * (0.5 + Math.random()))
  }
  return { reads, failures, slowestMs }
}

function say(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}

void live()
