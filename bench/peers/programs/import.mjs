import 'node-netns'
