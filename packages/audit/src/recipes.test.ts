import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type AuditTrail, createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { memoryProvider } from '@finchat/secrets-testkit'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openAuditKey } from './keys/open-audit-key.ts'
import { emptyFolder, removeTestFolders } from './testing/folders.ts'
import { type AuditPlaces, containerAudit } from './testing/recipes/container-audit.ts'
import { remoteAudit } from './testing/recipes/remote-audit.ts'
import { verificationSeverity } from './report/verification-summary.ts'
import { verifyAuditTrail } from './verify/verify-audit-trail.ts'
import type { AuditVerification } from './verify/audit-verification.ts'

const recipes = join(import.meta.dirname, 'testing/recipes')
const pair = generateKeyPairSync('x25519')
const auditor = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()

const log = vi.fn<(line: string) => void>()
beforeEach(() => void log.mockReset())
afterAll(removeTestFolders)

it.each(readdirSync(recipes))('the guide shows %s as it is tested', (file) => {
  const guide = readFileSync(new URL('../../../docs/audit.md', import.meta.url), 'utf8')
  const kind = file.endsWith('.ts') ? 'ts check' : file.slice(file.lastIndexOf('.') + 1)
  expect(guide).toContain(`\`\`\`${kind}\n${readFileSync(join(recipes, file), 'utf8')}\`\`\`\n`)
})

function managerWith(audit: AuditTrail): SecretsManager {
  return createSecretsManager({ providers: [memoryProvider({ secrets: { token: 'canary-4711' } })], audit })
}

/** The only archived trail whose name is not in `known`, as the auditor verifies it. */
async function archived(archive: string, sent: 'checkpoints' | 'sent', known: readonly string[] = []): Promise<AuditVerification> {
  const [name = ''] = readdirSync(archive).filter((each) => !known.includes(each))
  const folder = join(archive, name, 'audit')
  const key = openAuditKey(readFileSync(join(folder, 'auditor-key.json'), 'utf8'), { privateKey: pair.privateKey })
  return verifyAuditTrail(folder, { key, checkpoint: join(archive, name, sent) })
}

/** The checkpoints of the only archived trail. */
function sentIn(archive: string): string {
  const [name = ''] = readdirSync(archive)
  return readdirSync(join(archive, name, 'sent'))
    .map((file) => readFileSync(join(archive, name, 'sent', file), 'utf8'))
    .join('')
}

async function places(): Promise<AuditPlaces> {
  const root = await emptyFolder()
  for (const folder of ['disk', 'archive']) mkdirSync(join(root, folder))
  return { disk: join(root, 'disk'), archive: join(root, 'archive'), auditor, log }
}

describe('a container with an ephemeral disk', () => {
  it('leaves a trail in the archive that the auditor proves, though its disk is gone', async () => {
    const given = await places()
    const { audit, archive } = await containerAudit(given)
    const secrets = managerWith(audit)
    await secrets.getSecret('token')
    await secrets.close()
    await archive()
    rmSync(given.disk, { recursive: true })
    const verification = await archived(given.archive, 'checkpoints')
    expect([verificationSeverity(verification), verification.records]).toEqual(['good', 1])
    expect(log.mock.calls.flat()).toEqual([expect.stringContaining(`is ${verification.id}`)])
  })

  it('goes on in its folder after a restart, and in another one on another disk', async () => {
    const given = await places()
    for (let run = 0; run < 2; run++) {
      const { audit, archive } = await containerAudit(given)
      const secrets = managerWith(audit)
      await secrets.getSecret('token')
      await secrets.close()
      await archive()
    }
    const known = readdirSync(given.archive)
    expect([known.length, (await archived(given.archive, 'checkpoints')).records]).toEqual([1, 2])
    rmSync(given.disk, { recursive: true })
    mkdirSync(given.disk)
    const { audit, archive } = await containerAudit(given)
    const secrets = managerWith(audit)
    await secrets.getSecret('token')
    await secrets.close()
    await archive()
    expect((await archived(given.archive, 'checkpoints', known)).records).toBe(1)
  })

  it('shows by the checkpoints that it sent how much was lost, if it is killed behind its last copy', async () => {
    const given = await places()
    const { audit, archive } = await containerAudit(given)
    const secrets = managerWith(audit)
    await secrets.getSecret('token')
    await vi.waitFor(() => expect(sentIn(given.archive)).not.toBe(''), 20_000) // the first checkpoint is on its way
    await archive()
    await secrets.getSecret('token')
    await secrets.close() // as its last checkpoint; no copy follows
    rmSync(given.disk, { recursive: true })
    const [copied, sent] = [await archived(given.archive, 'checkpoints'), await archived(given.archive, 'sent')]
    expect([verificationSeverity(copied), copied.records]).toEqual(['good', 1])
    expect([sent.records, sent.missing, sent.problems.every(({ mayBeCopy }) => mayBeCopy)]).toEqual([1, 1, true])
  })

  it('has its mounts where the program gives them', () => {
    const paths = ['/var/audit', '/archive']
    const yaml = readFileSync(join(recipes, 'kubernetes.yaml'), 'utf8')
    expect(Array.from(yaml.matchAll(/mountPath: ([\w/]+)/g), ([, path]) => path).slice(0, 2)).toEqual(paths)
    const { containerDefinitions, volumes } = JSON.parse(readFileSync(join(recipes, 'ecs.json'), 'utf8'))
    const [{ mountPoints }] = containerDefinitions
    expect(mountPoints.map(({ containerPath }: { containerPath: string }) => containerPath)).toEqual(paths)
    const names = (list: { name?: string; sourceVolume?: string }[]): unknown[] =>
      list.map(({ name, sourceVolume }) => name ?? sourceVolume)
    expect(names(mountPoints)).toEqual(names(volumes))
  })
})

describe('a function without a disk', () => {
  it('gives out a value once the log store has answered, and none if it refuses', async () => {
    const posted: { operation: string; service: string }[] = []
    let status = 201
    const server = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => void posted.push(JSON.parse(text)))
      request.on('end', () => response.writeHead(status).end())
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const secrets = managerWith(remoteAudit(`http://127.0.0.1:${port}/`, 'checkout'))
    expect(await secrets.getSecret('token')).toBe('canary-4711')
    expect(posted).toMatchObject([{ operation: 'get', service: 'checkout' }])
    expect(JSON.stringify(posted)).not.toContain('canary')
    status = 503
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)
    await expect(secrets.getSecret('token')).rejects.toMatchObject({
      code: 'AUDIT_FAILED',
      message: expect.stringContaining('answered 503'),
    })
    status = 201
    await secrets.close()
    warned.mockRestore()
    server.close()
  })
})
