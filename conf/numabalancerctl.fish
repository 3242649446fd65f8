# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for numabalancerctl(1)

function __numabalancerctl_pids
    numabalancerctl processes --max 200 2>/dev/null | awk 'NR > 1 { print $1 "\t" $2 }'
end

function __numabalancerctl_jobs
    numabalancerctl jobs --max 1 2>/dev/null | awk 'NR > 1 { print $1 "\t" $3 }'
end

complete -c numabalancerctl -f

complete -c numabalancerctl -n __fish_use_subcommand -a status -d 'show state, source and counters'
complete -c numabalancerctl -n __fish_use_subcommand -a processes -d 'list processes with their score and the reason'
complete -c numabalancerctl -n __fish_use_subcommand -a top -d 'watch nodes, moves and processes'
complete -c numabalancerctl -n __fish_use_subcommand -a why -d 'explain why a process is moved or left alone'
complete -c numabalancerctl -n __fish_use_subcommand -a show -d 'show what is known of a process'
complete -c numabalancerctl -n __fish_use_subcommand -a nodes -d 'show the nodes and who accesses whose memory'
complete -c numabalancerctl -n __fish_use_subcommand -a jobs -d 'list moves under way and those that ended last'
complete -c numabalancerctl -n __fish_use_subcommand -a history -d 'show the last ten minutes'
complete -c numabalancerctl -n __fish_use_subcommand -a advise -d 'tell on which nodes a new program should run'
complete -c numabalancerctl -n __fish_use_subcommand -a metrics -d 'print metrics for Prometheus'
complete -c numabalancerctl -n __fish_use_subcommand -a report -d 'write a page about the last hour'
complete -c numabalancerctl -n __fish_use_subcommand -a doctor -d 'tell what the daemon needs and what is missing'
complete -c numabalancerctl -n __fish_use_subcommand -a migrate -d 'move the memory of a process by hand'
complete -c numabalancerctl -n __fish_use_subcommand -a record -d 'let the daemon record what it sees'
complete -c numabalancerctl -n __fish_use_subcommand -a cancel -d 'end a move under way'
complete -c numabalancerctl -n __fish_use_subcommand -a reload -d 'read the configuration again'
complete -c numabalancerctl -n __fish_use_subcommand -a pause -d 'move nothing for a time, or until resumed'
complete -c numabalancerctl -n __fish_use_subcommand -a resume -d 'end a pause'

complete -c numabalancerctl -n '__fish_seen_subcommand_from why show migrate' -a '(__numabalancerctl_pids)'
complete -c numabalancerctl -n '__fish_seen_subcommand_from cancel' -a '(__numabalancerctl_jobs)'
complete -c numabalancerctl -n '__fish_seen_subcommand_from report record' -F

complete -c numabalancerctl -l json -d 'print JSON'
complete -c numabalancerctl -l no-ask-password -d 'fail rather than ask for a password'
complete -c numabalancerctl -l order -x -a 'score remote pid' -d 'order of processes'
complete -c numabalancerctl -l max -x -d 'list at most so many'
complete -c numabalancerctl -l interval -x -d 'time between the pictures of top'
complete -c numabalancerctl -l count -x -d 'end top after so many pictures'
complete -c numabalancerctl -l openmetrics -d 'print metrics in the OpenMetrics format'
complete -c numabalancerctl -l output -r -F -d 'write metrics to a file'
complete -c numabalancerctl -l from -x -d 'migrate pages of this node only'
complete -c numabalancerctl -l to -x -d 'migrate to this node'
complete -c numabalancerctl -l no-wait -d 'do not wait for the end of the move'
complete -c numabalancerctl -l override-rules -d 'migrate also against rules and mode observe'
complete -c numabalancerctl -s h -l help -d 'show a short help'
complete -c numabalancerctl -l version -d 'show the version'
