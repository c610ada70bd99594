import { execFileSync } from 'node:child_process'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { auditTrail, jsonLinesFile } from '@finchat/secrets-audit'
import { createSecretsManager, envProvider, type SecretsManager } from '@finchat/secrets-core'
import { givenOrders } from '../harness/child.ts'
import { outcomeOf } from '../workload/outcome.ts'
import type { DiskOrders, DiskResult, Read, Stage } from './trail-full-disk.ts'
import { newTrailFolder } from '../workload/trail-folder.ts'

/*
 * Reads a secret under audit while the trail's files may not grow. With a disk in a mount namespace of
 * its own, it reads while the disk is full, has room, is read-only, and is writable again. Copies the
 * trail out of the namespace, with a line for each read.
 */
const { stages, disk, copy, result } = givenOrders() as DiskOrders // as the parent process gives them

async function run(): Promise<void> {
  if (stages === 'mount') mount('-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', disk)
  const { folder, key } = await newTrailFolder(disk)
  const reads = stages === 'mount' ? await readOnMount(folder) : await readWith(folder, (secrets) => readSome(secrets, 'limited', 60))
  cpSync(folder, join(copy, 'trail'), { recursive: true })
  writeFileSync(result, JSON.stringify({ key, reads } satisfies DiskResult))
}

/** Nothing that is open for writing is made read-only: so there are two managers. */
async function readOnMount(folder: string): Promise<readonly Read[]> {
  const before = await readWith(folder, async (secrets) => {
    const filling = await readSome(secrets, 'filling', 60)
    mount('-o', 'remount,size=4m', disk)
    return [...filling, ...(await readSome(secrets, 'room', 10))]
  })
  mount('-o', 'remount,ro', disk)
  const after = await readWith(folder, async (secrets) => {
    const readOnly = await readSome(secrets, 'read-only', 5)
    mount('-o', 'remount,rw', disk)
    return [...readOnly, ...(await readSome(secrets, 'writable', 10))]
  })
  return [...before, ...after]
}

async function readWith(folder: string, read: (secrets: SecretsManager) => Promise<readonly Read[]>): Promise<readonly Read[]> {
  const audit = auditTrail({ sinks: [jsonLinesFile({ folder })], sinkDeadlineMs: 20_000 })
  const secrets = createSecretsManager({ providers: [envProvider({ env: { TOKEN: 'the-token' } })], audit, deadlineMs: 30_000 })
  try {
    return await read(secrets)
  } finally {
    await secrets.close().catch(() => {}) // the end of a segment that may not grow cannot be sealed
  }
}

async function readSome(secrets: SecretsManager, stage: Stage, count: number): Promise<readonly Read[]> {
  const reads: Read[] = []
  for (let number = 0; number < count; number++) {
    const requestId = `${stage}-${number}`
    const reading = secrets.getSecret('TOKEN', { requestId, actor: 'x'.repeat(8_000) })
    const { code, message } = await outcomeOf(reading.then(() => ({})))
    reads.push({ stage, requestId, code, message })
  }
  return reads
}

function mount(...options: string[]): void {
  execFileSync('mount', options)
}

// The warning of each outage is what it should be, and no news here.
process.removeAllListeners('warning')
void run()
