import type { AccessFeature, AccessRight } from '@finchat/secrets-core/provider'
import { member } from '@finchat/secrets-core/http'
import { stagedPath } from '../shared/paths.ts'
import type { VaultApi } from '../token/vault-api.ts'
import type { KvMount } from './mount.ts'
import type { KvVersion } from './version-detection.ts'

/** A mount, and its name. */
interface NamedMount {
  readonly kv: KvMount
  readonly mount: string
}

/** The capabilities that a feature needs on one path of a policy. */
interface Need {
  readonly feature: AccessFeature
  readonly on: string
  readonly capabilities: readonly string[]
}

/** Asks `sys/capabilities-self`, which Vault's policy `default` allows. */
export async function checkAccess(
  api: VaultApi,
  { kv, mount }: NamedMount,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<readonly AccessRight[]> {
  return kv.on(signal, async (version) => {
    const needs = paths.map((path) => [path, needsOf(version, mount, path)] as const)
    const held = await capabilitiesOf(api, [...new Set(needs.flatMap(([, each]) => each.map(({ on }) => on)))], signal)
    return needs.flatMap(([path, each]) => each.map((need) => rightAt(path, need, held)))
  })
}

function needsOf(version: KvVersion, mount: string, path: string): readonly Need[] {
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  if (version === 1) return plainNeeds(`${mount}/${path}`, `${mount}/${folder}`)
  const [data, metadata] = [`${mount}/data/${path}`, `${mount}/metadata/${path}`]
  return [
    { feature: 'read', on: data, capabilities: ['read'] },
    { feature: 'list', on: `${mount}/metadata/${folder}`, capabilities: ['list'] },
    { feature: 'versions', on: metadata, capabilities: ['read'] },
    { feature: 'write', on: data, capabilities: ['create', 'update'] },
    { feature: 'rotate', on: `${mount}/data/${stagedPath(path)}`, capabilities: ['create', 'read', 'update'] },
    { feature: 'tags', on: metadata, capabilities: ['patch'] },
    { feature: 'delete', on: `${mount}/delete/${path}`, capabilities: ['update'] },
    { feature: 'purge', on: metadata, capabilities: ['delete'] },
  ]
}

function plainNeeds(path: string, folder: string): readonly Need[] {
  return [
    { feature: 'read', on: path, capabilities: ['read'] },
    { feature: 'list', on: folder, capabilities: ['list'] },
    { feature: 'write', on: path, capabilities: ['create', 'update'] },
    { feature: 'purge', on: path, capabilities: ['delete'] },
  ]
}

type Capabilities = (path: string) => readonly unknown[]

async function capabilitiesOf(api: VaultApi, paths: readonly string[], signal: AbortSignal): Promise<Capabilities> {
  const request = { method: 'POST', path: 'sys/capabilities-self', body: JSON.stringify({ paths }), call: 'read' } as const
  const right = () => ({ capability: 'update', on: request.path, otherwise: 'see the policies of the token' }) as const
  const { answer } = await api.ask({ ...request, right }, signal)
  const data = member(answer.body, 'data')
  return (path) => {
    const held = member(data, path)
    return Array.isArray(held) ? held : []
  }
}

function rightAt(path: string, { feature, on, capabilities }: Need, held: Capabilities): AccessRight {
  const has = held(on)
  const isUnlimited = has.includes('root')
  const isAllowed = isUnlimited || capabilities.every((each) => has.includes(each))
  return {
    feature,
    path,
    isAllowed,
    ...(isUnlimited && { isUnlimited }),
    right: `${capabilities.map((each) => `"${each}"`).join(', ')} on "${on}"`,
  }
}
