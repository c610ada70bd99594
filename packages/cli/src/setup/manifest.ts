import { join } from 'node:path'
import { isJsonObject } from '@finchat/secrets-core/provider'
import { foldersOf } from '../config/find-config.ts'
import { readRegular } from '../files/read-file.ts'

const mostBytes = 1024 * 1024

/** The `package.json` of a folder; empty without one. */
function manifestIn(folder: string): Readonly<Record<string, unknown>> {
  const content = readRegular(join(folder, 'package.json'), mostBytes)
  if ('problem' in content) return {}
  try {
    const manifest: unknown = JSON.parse(content.bytes.toString())
    return isJsonObject(manifest) ? manifest : {}
  } catch {
    return {}
  }
}

export function packageName(folder: string): string | undefined {
  const { name } = manifestIn(folder)
  return typeof name === 'string' && name !== '' ? name : undefined
}

/** Whether the project in a folder has this package among its dependencies. */
export function dependsOn(name: string, folder: string): boolean {
  const manifests = foldersOf(folder).map((each) => manifestIn(each))
  const lists = manifests.flatMap(({ dependencies, devDependencies }) => [dependencies, devDependencies])
  return lists.some((list) => isJsonObject(list) && Object.hasOwn(list, name))
}
