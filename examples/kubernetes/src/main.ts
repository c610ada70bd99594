// `npm start`: runs the container of manifests/deployment.yaml as Kubernetes does, against a Vault or OpenBao.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { serviceAccountToken, startCluster } from './cluster.ts'
import { setUpVault } from './vault-setup.ts'

interface Container {
  readonly command: readonly string[]
  readonly env: readonly { readonly name: string; readonly value: string }[]
  readonly livenessProbe: { readonly httpGet: { readonly path: string } }
  readonly readinessProbe: { readonly httpGet: { readonly path: string } }
}

const root = fileURLToPath(new URL('..', import.meta.url))
const deployment = parse(readFileSync(join(root, 'manifests/deployment.yaml'), 'utf8'))
const container: Container = deployment.spec.template.spec.containers[0] // apps/v1
const print = (what: string, result: string): void => console.log(`   ${what.padEnd(32)} ${result}`)

interface Pod {
  readonly child: ChildProcess
  readonly ask: (what: string, path: string) => Promise<void>
}

/** The container's command and variables; `here`: what only a cluster has. It may write no file. */
async function startPod(here: Readonly<Record<string, string>>): Promise<Pod> {
  const env = { ...Object.fromEntries(container.env.map(({ name, value }) => [name, value])), PORT: '0', ...here }
  const [, ...args] = container.command
  const network = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : [] // from Node.js 25 on
  const readOnly = ['--permission', '--allow-fs-read=*', ...network]
  const child = spawn(process.execPath, [...process.execArgv, ...readOnly, ...args], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string] // as serve.ts prints it
  const url = `http://127.0.0.1:${line.split(' ').at(-1)}`
  const ask = async (what: string, path: string): Promise<void> => {
    const { status } = await fetch(url + path, { headers: { connection: 'close' } })
    print(what, `${path.padEnd(8)} ${status} ${status === 200 ? 'ok' : 'unavailable'}`)
  }
  return { child, ask }
}

async function play(vault: { readonly VAULT_ADDR: string; readonly VAULT_AUTH_MOUNT: string }, folder: string): Promise<void> {
  const tokenOf = (name: string): string => {
    const file = join(folder, name)
    writeFileSync(file, serviceAccountToken('shop', name))
    return file
  }
  const probes = async ({ ask }: Pod): Promise<void> => {
    await ask('liveness', container.livenessProbe.httpGet.path)
    await ask('a request', '/orders')
    await ask('readiness', container.readinessProbe.httpGet.path)
  }
  console.log('1  A pod with the service account of the manifests')
  print('variables', container.env.map(({ name }) => name).join(', '))
  const pod = await startPod({ ...vault, VAULT_JWT_FILE: tokenOf('orders') })
  await probes(pod)

  console.log('\n2  A pod with another one: alive, but it gets no requests')
  const stranger = await startPod({ ...vault, VAULT_JWT_FILE: tokenOf('stranger') })
  await probes(stranger)

  console.log('\n3  SIGTERM')
  for (const [what, { child }] of Object.entries({ 'the first pod': pod, 'the second pod': stranger })) {
    child.kill('SIGTERM')
    const [code] = (await once(child, 'exit')) as [number | null] // as Node.js documents it
    print(what, code === 0 ? 'has ended by itself' : `exit code ${code}`)
  }
}

const answers = async (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  )

const { VAULT_ADDR, VAULT_TOKEN } = process.env
if (VAULT_ADDR === undefined || VAULT_TOKEN === undefined) {
  process.stderr.write('Set VAULT_ADDR and VAULT_TOKEN to a development server of Vault or OpenBao: see README.md.\n')
  process.exitCode = 1
} else if (!(await answers(VAULT_ADDR))) {
  process.stderr.write('No Vault or OpenBao answers at VAULT_ADDR: see README.md.\n')
  process.exitCode = 1
} else {
  const folder = mkdtempSync(join(tmpdir(), 'finchat-kubernetes-'))
  const cluster = await startCluster()
  const { mount, stop } = await setUpVault(VAULT_ADDR, VAULT_TOKEN, cluster.url)
  try {
    await play({ VAULT_ADDR, VAULT_AUTH_MOUNT: mount }, folder)
  } finally {
    await stop()
    cluster.stop()
    rmSync(folder, { recursive: true })
  }
}
