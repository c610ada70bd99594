// `npm start`: the chain of manager.ts, and what a service sees when its stores fail.
import { perform, type Programme } from './act.ts'
import { startStandIns } from './stand-ins.ts'

const programme: Programme = {
  heading: 'A chain of four stores, and what a service sees when they fail',
  aws: 'a stand-in for AWS Secrets Manager, in this process',
  vault: 'a stand-in for HashiCorp Vault, in this process',
  closing: ['The chain is src/manager.ts. A service names its own stores there.'],
}

await perform(programme, startStandIns)
