/**
 * Says once, as a process warning, that paths are inside the mount, when one that begins with its name is missing. No more than that: a secret
 * may truly lie at `secret/secret/…`.
 */
export function mountInPathWarning(provider: string, mount: string): (path: string) => void {
  let isTold = false
  return (path) => {
    if (isTold || !path.startsWith(`${mount}/`)) return
    isTold = true
    process.emitWarning(
      `Vault provider '${provider}': a path that begins with '${mount}/' is not there; paths are inside the mount, without '${mount}/' and 'data/'`,
      { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_MOUNT_IN_PATH' },
    )
  }
}
