import { statfsSync } from 'node:fs'
import { shown } from '../shared/file-errors.ts'

/*
 * SQLite's write-ahead log needs memory that all processes share, and its locks need a file system
 * that keeps them (sqlite.org/wal.html, sqlite.org/howtocorrupt.html). The numbers are Linux's
 * (statfs(2)); other systems have other ones.
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

/** By path: a store is opened again and again by tests and jobs. */
const warned = new Set<string>()

/**
 * Warns once of a store on a file system that machines share, or of which nobody knows whether it
 * keeps locks.
 */
export function warnOfNetworkFileSystem(path: string): void {
  const name = fileSystems.get(typeOf(path))
  if (name === undefined || warned.has(path)) return
  warned.add(path)
  const text = `The local store's file ${shown(path)} lies on ${name}, where SQLite's log and locks may lose or damage what is written`
  process.emitWarning(`${text}: keep it on a local disk`, {
    type: 'SecretsWarning',
    code: 'FINCHAT_SECRETS_NETWORK_FILE_SYSTEM',
  })
}

/** Unsigned, for a system of 32 bits has negative ones. 0: it cannot be told. */
function typeOf(path: string): number {
  try {
    return process.platform === 'linux' ? statfsSync(path).type >>> 0 : 0
  } catch {
    return 0
  }
}
