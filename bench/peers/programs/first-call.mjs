import { NetNs } from 'node-netns'

NetNs.current().close()
