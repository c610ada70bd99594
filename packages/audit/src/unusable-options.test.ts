import { expect, it } from 'vitest'
import { initAuditFolder } from './file/init-audit-folder.ts'
import { jsonLinesFile, type JsonLinesFileOptions } from './file/file-sink.ts'
import { randomKey } from './keys/key-chain.ts'
import { syslogSink } from './syslog.ts'
import { verifyAuditTrail } from './verify/verify-audit-trail.ts'
import type { VerifyAuditOptions } from './verify/verify-options.ts'

const key = randomKey().text().toString()
const isRefused = expect.objectContaining({ code: 'CONFIGURATION' })

it.each([undefined, '', 'a\0b', 5])('no folder is made ready at %j', async (folder) => {
  await expect(initAuditFolder(folder as string)).rejects.toEqual(isRefused) // what a caller without types may pass
})

it.each([null, '', 5, {}, []])('no checkpoints are sent to %j', (to) => {
  const options = { folder: 'audit', checkpoints: { to } } as JsonLinesFileOptions // as above
  expect(() => jsonLinesFile(options)).toThrow(
    expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining('checkpoints') }),
  )
})

it.each([null, '', 5, {}, [5]])('no checkpoints are read from %j', async (checkpoint) => {
  const options = { key, checkpoint } as VerifyAuditOptions // as above
  await expect(verifyAuditTrail('audit', options)).rejects.toEqual(isRefused)
})

it.each([undefined, '', 5])('no trail is verified in %j', async (folder) => {
  await expect(verifyAuditTrail(folder as string, { key })).rejects.toEqual(isRefused) // as above
})

it('a client certificate that syslog cannot use is refused without naming an option that it lacks', () => {
  const remedy = expect.not.stringContaining('tls.passphrase')
  const options = { host: 'log.example', tls: { cert: 'none', key: 'none' } }
  expect(() => syslogSink(options)).toThrow(expect.objectContaining({ code: 'CONFIGURATION', remedy }))
})
