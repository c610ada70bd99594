// Copies a trail, again and again until it is killed, or so many times.
import { setTimeout as sleep } from 'node:timers/promises'
import { copyAuditTrail } from '../copy/copy-audit-trail.ts'

const [folder = '', target = '', checkpoints = '', times = 'Infinity'] = process.argv.slice(2)
process.stdout.write('begun\n')
for (let run = 0; run < Number(times); run++) {
  await copyAuditTrail(folder, target, { checkpoints })
  if (times === 'Infinity') await sleep(20)
}
