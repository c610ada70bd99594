import { statfsSync } from 'node:fs'
import { warnOperator } from '@finchat/secrets-core/provider'
import { quotedPath } from '../shared/file-errors.ts'

/*
 * SQLite's log needs memory that all processes share and reliable locks (sqlite.org/wal.html,
 * sqlite.org/howtocorrupt.html). Magic numbers of Linux (statfs(2)).
 */
const fileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0x01021997, '9P'],
  [0x65735546, 'FUSE'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
  [0x5346414f, 'AFS'],
])

/** Once per path: tests and jobs open a store many times. */
const warned = new Set<string>()

export function warnOfNetworkFileSystem(path: string): void {
  const name = fileSystems.get(typeOf(path))
  if (name === undefined || warned.has(path)) return
  warned.add(path)
  const text = `The local store's file ${quotedPath(path)} lies on ${name}, where SQLite's log and locks may lose or damage what is written`
  warnOperator(`${text}: keep it on a local disk`, 'FINCHAT_SECRETS_NETWORK_FILE_SYSTEM')
}

/** Unsigned: 32-bit systems return negative numbers. 0 if unknown. */
function typeOf(path: string): number {
  try {
    return process.platform === 'linux' ? statfsSync(path).type >>> 0 : 0
  } catch {
    return 0
  }
}
