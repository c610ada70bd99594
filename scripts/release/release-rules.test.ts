import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ownEnvironment } from '../npm-package.mjs'
import { auditOf } from './advisories.ts'
import { integrityOnNpm, latestFaults, versionsOnNpm } from './on-npm.ts'
import { installedIn, installScriptFaults, licenceFaults, type Installed } from './production-tree.ts'
import { sbomFaults, sbomFile } from './sbom.ts'
import { TestRegistry } from './test-registry.ts'

function installed(license: string, manifest: object = {}, files: readonly string[] = []): Installed {
  const path = mkdtempSync(join(tmpdir(), 'release-test-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name: 'a', ...manifest }))
  mkdirSync(join(path, 'src'))
  for (const file of files) writeFileSync(join(path, file), '')
  return { name: 'a', versions: ['1.0.0'], paths: [path], license }
}

test.each(['MIT', 'Apache-2.0', '(Public Domain OR MIT)', '(GPL-3.0 OR Apache-2.0)', 'MIT AND ISC'])(
  'the licence %s is allowed',
  (license) => {
    expect(licenceFaults([installed(license)])).toEqual([])
  },
)

test.each(['GPL-3.0-only', 'MIT AND GPL-3.0-only', 'UNLICENSED', 'Unknown', 'SSPL-1.0 OR BUSL-1.1'])(
  'the licence %s is named',
  (license) => {
    expect(licenceFaults([installed(license)])).toEqual([`a@1.0.0 has the licence ${license}, which is not allowed`])
  },
)

test('what pnpm lists by licence is one list', () => {
  expect(installedIn('{ "MIT": [{ "name": "a" }], "ISC": [{ "name": "b" }] }').map(({ name }) => name)).toEqual(['a', 'b'])
})

test('scripts of a package that run for its own developers are none of an install', () => {
  expect(installScriptFaults([installed('MIT', { scripts: { prepare: 'x', build: 'x', test: 'x' } })])).toEqual([])
})

test.each(['preinstall', 'install', 'postinstall'])('a script at %s is found', (script) => {
  expect(installScriptFaults([installed('MIT', { scripts: { [script]: 'node x.js' } })])).toEqual([
    `a runs a script at ${script}: node x.js`,
  ])
})

test('native code that npm would build is found', () => {
  expect(installScriptFaults([installed('MIT', {}, ['binding.gyp'])])).toEqual(['a builds native code when it is installed: binding.gyp'])
})

const member = {
  folder: 'packages/audit',
  manifest: { name: '@finchat/secrets-audit', version: '0.1.0', dependencies: { '@a/b': '^1.0.0' } },
}
const licenses = [{ license: { id: 'MIT' } }]
const bom = {
  bomFormat: 'CycloneDX',
  metadata: { component: { group: '@finchat', name: 'secrets-audit', version: '0.1.0' } },
  components: [
    { group: '@a', name: 'b', version: '1.2.3', licenses },
    { name: 'c', version: '1.0.0', licenses },
  ],
}

test('an SBOM of the package, with its dependencies and their licences, is whole', () => {
  expect(sbomFaults(member, JSON.stringify(bom))).toEqual([])
  expect(sbomFile('@finchat/secrets-audit')).toBe('finchat-secrets-audit.json')
})

test.each([
  ['it is no CycloneDX', { ...bom, bomFormat: 'SPDX' }],
  [
    'it is not of @finchat/secrets-audit@0.1.0',
    { ...bom, metadata: { component: { group: '@finchat', name: 'secrets-audit', version: '0.0.9' } } },
  ],
  ['it lacks the dependency @a/b', { ...bom, components: bom.components.slice(1) }],
  [
    'c has no version or no licence in it',
    { ...bom, components: [...bom.components.slice(0, 1), { name: 'c', version: '1.0.0', licenses: [] }] },
  ],
  ['it has paths of this machine', { ...bom, at: '/home/somebody/secrets' }],
])('an SBOM is faulty: %s', (fault, text) => {
  expect(sbomFaults(member, JSON.stringify(text))).toEqual([`the SBOM of packages/audit: ${fault}`])
})

const advisory = (severity: string): object => ({ module_name: 'a', severity, title: 'reads too much' })

test('high and critical advisories are faults, and lower ones are not', () => {
  const advisories = { 1: advisory('high'), 2: advisory('critical'), 3: advisory('moderate'), 4: advisory('low') }
  expect(auditOf(JSON.stringify({ advisories }), '')).toEqual({ faults: ['a: high: reads too much', 'a: critical: reads too much'] })
  expect(auditOf('{ "advisories": {} }', '')).toEqual({ faults: [] })
})

test.each([
  ['The audit endpoint (at https://a.example/x) responded with 405: ', 'the registry answered 405'],
  ['ECONNREFUSED', 'no registry answered'],
  ['{ "error": { "code": "ERR_PNPM_AUDIT_BAD_RESPONSE" } }', 'no registry answered'],
])('an audit without an answer is not run, and names no address: %s', (stderr, notRun) => {
  expect(auditOf(stderr.startsWith('{') ? stderr : '', stderr)).toEqual({ faults: [], notRun })
})

describe('what becomes `latest`', () => {
  const faults = (version: string, ...had: string[]): string[] => latestFaults({ name: '@x/a', version }, had)

  test('may be the first version, a newer one, or one that npm has already', () => {
    expect([...faults('0.1.0'), ...faults('0.10.0', '0.9.0', '0.11.0-next.1'), ...faults('0.1.0', '0.1.0', '0.2.0')]).toEqual([])
  })

  test('is no older version and no prerelease', () => {
    expect(faults('0.1.0', '0.0.9', '0.10.0')).toEqual(['@x/a@0.1.0 would become `latest`, and npm has 0.10.0'])
    expect(faults('0.2.0-next.0')).toEqual(['@x/a@0.2.0-next.0 would become `latest`, and is no release'])
  })
})

test('the registry is asked which versions it has, and with which contents', async () => {
  const registry = new TestRegistry()
  await registry.start()
  const folder = mkdtempSync(join(tmpdir(), 'release-test-'))
  onTestFinished(() => {
    registry.close()
    rmSync(folder, { recursive: true })
  })
  registry.add('@x/a', '0.1.0')
  for (const version of ['0.1.0', '0.2.0']) registry.add('@x/b', version)
  const env = { ...ownEnvironment(), ...registry.environment(folder) }
  const found = ['@x/a', '@x/b', '@x/c'].map((name) => versionsOnNpm(name, env))
  expect(await Promise.all(found)).toEqual([['0.1.0'], ['0.1.0', '0.2.0'], []])
  expect(await integrityOnNpm('@x/b@0.1.0', env)).toBe(`sha512-${createHash('sha512').digest('base64')}`)
  expect(await integrityOnNpm('@x/b@0.3.0', env)).toBeUndefined()
  registry.isDown = true
  await expect(versionsOnNpm('@x/a', env)).rejects.toThrow('npm did not tell the versions of @x/a')
})
