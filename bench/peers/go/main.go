// Peers of `npm run bench`: vishvananda/netns and CNI's pkg/ns, driven line by line as the others are.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

type operations map[string]func() (func() error, error)

func main() {
	runtime.LockOSThread()
	peers := map[string]operations{"netns": vishvananda, "cni": cni}
	peer := peers[os.Args[1]]
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		answer, err := measure(peer, lines.Text())
		if err != nil {
			answer = "! " + err.Error()
		}
		fmt.Println(answer)
	}
}

func measure(peer operations, line string) (string, error) {
	words := strings.Split(line, " ")
	if len(words) != 3 || peer[words[0]] == nil {
		return "", errors.New("not a request: " + line)
	}
	batches, _ := strconv.Atoi(words[1])
	size, _ := strconv.Atoi(words[2])
	operation, err := peer[words[0]]()
	if err != nil {
		return "", err
	}
	times := make([]string, batches)
	for batch := range times {
		start := time.Now()
		for range size {
			if err := operation(); err != nil {
				return "", err
			}
		}
		times[batch] = strconv.FormatInt(time.Since(start).Nanoseconds()/int64(size), 10)
	}
	return strings.Join(times, " "), nil
}
